"""Rebuilds all jobs of the ledger, in several processes: the fold is work for the processor."""

import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from sqlalchemy import Engine, select

from receiver.store.engine import make_engine
from receiver.store.event import Outcome
from receiver.store.jobs.rebuild import rebuild
from receiver.store.tables import events

_BATCH_SIZE = 500
# Rebuilding is never urgent, and shares the machine with callbacks.
_NICENESS = 10

_engine: Engine  # of a worker process


@dataclass(frozen=True)
class Rebuilt:
    """The result of a batch: all jobs up to the id `position` are rebuilt now."""

    position: str
    job_count: int
    changed: list[str]


def rebuild_all(engine: Engine, *, after: str, workers: int) -> Iterator[Rebuilt]:
    """Rebuild every job with an id above `after`, and yield the result of each batch in order.

    Each worker is a process with one connection. Raises sqlalchemy.exc.SQLAlchemyError, or
    concurrent.futures.process.BrokenProcessPool if a worker was killed.
    """
    url = engine.url.render_as_string(hide_password=False)
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(url,)
    )
    pending: deque[tuple[list[str], Future[list[str]]]] = deque()
    try:
        for job_ids in _batches(engine, after):
            pending.append((job_ids, pool.submit(_rebuild, job_ids)))
            if len(pending) > 2 * workers:
                yield _finish(*pending.popleft())
        while pending:
            yield _finish(*pending.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(engine: Engine, after: str) -> Iterator[list[str]]:
    """Yield the ids of all jobs with events, in the order of the ledger's index."""
    statement = (
        select(events.c.job_id)
        .distinct()
        .where(events.c.outcome != Outcome.QUARANTINED)
        .order_by(events.c.job_id)
        .limit(_BATCH_SIZE)
    )
    while True:
        with engine.connect() as connection:
            ids = list(connection.scalars(statement.where(events.c.job_id > after)))
        if not ids:
            return
        yield ids
        after = ids[-1]


def _finish(job_ids: list[str], future: Future[list[str]]) -> Rebuilt:
    return Rebuilt(job_ids[-1], len(job_ids), future.result())


def _start_worker(url: str) -> None:
    global _engine  # noqa: PLW0603 - a worker process has no other place for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command
    os.nice(_NICENESS)
    _engine = make_engine(url, pool_size=1)


def _rebuild(job_ids: list[str]) -> list[str]:
    return rebuild(_engine, job_ids)
