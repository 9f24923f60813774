"""Removing a job altogether: for the test callbacks that `doctor` sends, and for nothing else."""

from sqlalchemy import Engine, delete

from receiver.store.engine import transactional
from receiver.store.tables import events, rejected, transcriptions


def remove_job(engine: Engine, job_id: str) -> None:
    """Remove the job and its events, in the order in which everybody locks them.

    What was refused in its name goes too: where the test failed, it must not be taken in later.
    """
    with transactional(engine).begin() as connection:
        connection.execute(delete(transcriptions).where(transcriptions.c.id == job_id))
        connection.execute(delete(events).where(events.c.job_id == job_id))
        connection.execute(delete(rejected).where(rejected.c.job_id == job_id))
