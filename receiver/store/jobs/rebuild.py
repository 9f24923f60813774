"""Rebuilds the jobs from the ledger. Normally no row changes."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.batches import read_in_batches
from receiver.store.engine import transactional
from receiver.store.event import Outcome
from receiver.store.jobs.fold import fold
from receiver.store.jobs.refold import load_events, lock_job, refold
from receiver.store.tables import events, transcriptions

_is_folded = events.c.outcome != Outcome.QUARANTINED


def count_jobs(connection: Connection) -> int:
    """Return how many jobs the ledger has events of."""
    statement = select(func.count(events.c.job_id.distinct())).where(_is_folded)

    return connection.execute(statement).scalar_one()


def job_ids(engine: Engine) -> Iterator[str]:
    """Return the id of every job that the ledger has events of; they are read in batches."""
    statement = select(events.c.job_id).distinct().where(_is_folded)

    return read_in_batches(engine, statement, events.c.job_id, after="")


def rebuild(engine: Engine, job_id: str) -> bool:
    """Fold the job again from its events; return whether its row was missing or had to change.

    Callbacks may arrive at the same time: the row is locked, as by any other writer.
    """
    with transactional(engine).begin() as connection:
        was_missing = False
        job = lock_job(connection, job_id)
        while job is None:
            inputs = load_events(connection, job_id)
            if not inputs:
                return False  # the job was removed after it was listed
            connection.execute(insert(transcriptions).values(fold(inputs)).on_conflict_do_nothing())
            was_missing = True
            job = lock_job(connection, job_id)

        return refold(connection, job) or was_missing
