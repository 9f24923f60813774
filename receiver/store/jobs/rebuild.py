"""Rebuilding the jobs from the ledger: on healthy data, no row changes."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.engine import transactional
from receiver.store.event import Outcome
from receiver.store.jobs.fold import fold
from receiver.store.jobs.refold import load_events, lock_job, refold
from receiver.store.tables import events, transcriptions

_BATCH = 1000

_folded = events.c.outcome != Outcome.QUARANTINED


def count_jobs(connection: Connection) -> int:
    """Return how many jobs the ledger tells of."""
    statement = select(func.count(events.c.job_id.distinct())).where(_folded)

    return connection.execute(statement).scalar_one()


def job_ids(engine: Engine) -> Iterator[str]:
    """Give the id of every job that the ledger tells of, a batch of them at a time."""
    last = ""
    while True:
        statement = (
            select(events.c.job_id)
            .distinct()
            .where(_folded, events.c.job_id > last)
            .order_by(events.c.job_id)
            .limit(_BATCH)
        )
        with engine.connect() as connection:
            found = connection.execute(statement).scalars().all()
        if not found:
            return
        yield from found
        last = found[-1]


def rebuild(engine: Engine, job_id: str) -> bool:
    """Fold the job anew from its events, and tell whether its row had to change, or was missing.

    It may run while callbacks come in: the row is locked meanwhile, as by any writer.
    """
    with transactional(engine).begin() as connection:
        restored = False
        job = lock_job(connection, job_id)
        while job is None:
            told = load_events(connection, job_id)
            if not told:
                return False  # the job has been removed since it was listed
            restoring = insert(transcriptions).values(fold(told)).on_conflict_do_nothing()
            connection.execute(restoring)
            restored = True
            job = lock_job(connection, job_id)

        return refold(connection, job) or restored
