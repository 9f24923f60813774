"""Removes a job completely: only for the test callbacks that `doctor` sends."""

from sqlalchemy import Engine, delete

from receiver.store.engine import transactional
from receiver.store.tables import events, rejected, transcript_index, transcriptions


def remove_job(engine: Engine, job_id: str) -> None:
    """Remove the job, its events and the rejected requests that name it.

    The job comes first, in the order in which all writers lock these rows. A rejected request of a
    failed test must not be accepted later.
    """
    with transactional(engine).begin() as connection:
        connection.execute(delete(transcriptions).where(transcriptions.c.id == job_id))
        connection.execute(delete(events).where(events.c.job_id == job_id))
        connection.execute(delete(transcript_index).where(transcript_index.c.job_id == job_id))
        connection.execute(delete(rejected).where(rejected.c.job_id == job_id))
