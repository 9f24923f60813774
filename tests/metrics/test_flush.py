"""Tests of adding a worker's counts to the database: each count exactly once."""

import pytest
from sqlalchemy import Engine, select, text

from receiver.metrics.catalog import CALLBACKS
from receiver.metrics.counts import Counts
from receiver.metrics.flush import Flusher
from receiver.metrics.worker_state import WorkerState
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.store.tables import metric_counts, metric_workers
from tests.support.sessions import Kill, session

APPLIED = ("applied", "")
STATE = WorkerState(memory_bytes=1, held_bytes=2, queued=3, connections=4, spool=None)


def make_flusher(engine: Engine, counts: Counts) -> Flusher:
    """Return a flusher of these counts."""
    return Flusher(engine, ConcurrencyLimit(1), counts, lambda: STATE)


@pytest.fixture
def counts() -> Counts:
    """Return counts without any."""
    return Counts()


@pytest.fixture
def flusher(engine: Engine, counts: Counts) -> Flusher:
    """Return a flusher of the counts."""
    return make_flusher(engine, counts)


def stored(engine: Engine) -> float:
    """Return the stored sum."""
    statement = select(metric_counts.c.value).where(metric_counts.c.name == CALLBACKS.name)
    with engine.connect() as connection:
        return float(sum(connection.execute(statement).scalars()))


def test_workers_add_up(engine: Engine) -> None:
    """The database has the sum of what all workers counted, and nothing is added twice."""
    for number in range(1, 4):
        counts = Counts()
        flusher = make_flusher(engine, counts)
        for _ in range(number):
            counts.add(CALLBACKS, *APPLIED)
        flusher.flush()
        flusher.flush()
    assert stored(engine) == 6


@pytest.mark.parametrize("step", range(7))
def test_killed_flush_adds_each_count_once(
    engine: Engine, migrated: str, counts: Counts, step: int
) -> None:
    """If the session dies at any step, also after a commit, no count is lost or added twice."""
    with session(migrated, Kill(engine, step)) as killed:
        flusher = make_flusher(killed, counts)
        for _ in range(4):
            counts.add(CALLBACKS, *APPLIED)
            flusher.flush()
        flusher.flush()
    assert stored(engine) == 4


def test_failing_flush_keeps_the_counts(
    engine: Engine, counts: Counts, flusher: Flusher, caplog: pytest.LogCaptureFixture
) -> None:
    """While the table can't be written, counts are kept, with one log line; later all are added."""
    counts.add(CALLBACKS, *APPLIED)
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE metric_counts RENAME TO hidden"))
    try:
        for _ in range(3):
            flusher.flush()
            counts.add(CALLBACKS, *APPLIED)
    finally:
        with engine.connect() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO metric_counts"))
    assert caplog.text.count("not written yet") == 1
    flusher.flush()
    assert stored(engine) == 4


def test_forgotten_worker_continues(engine: Engine, counts: Counts, flusher: Flusher) -> None:
    """A worker that the database has forgotten, as after a restore, adds what it counts next."""
    for _ in range(2):
        counts.add(CALLBACKS, *APPLIED)
        flusher.flush()
        with engine.connect() as connection:
            connection.execute(metric_workers.delete())
    flusher.flush()
    assert stored(engine) == 2


def test_batch_in_doubt_of_a_forgotten_worker_is_dropped(
    engine: Engine, migrated: str, counts: Counts
) -> None:
    """If nothing shows whether a batch was added, it isn't added again."""
    with session(migrated, Kill(engine, 2)) as killed:
        flusher = make_flusher(killed, counts)
        counts.add(CALLBACKS, *APPLIED)
        flusher.flush()
        assert stored(engine) == 1
        with engine.connect() as connection:
            connection.execute(metric_workers.delete())
        for _ in range(3):
            flusher.flush()
    assert stored(engine) == 1


def test_end_of_a_worker_removes_its_state_only(
    engine: Engine, counts: Counts, flusher: Flusher
) -> None:
    """At its end a worker adds its last counts, and its state is removed."""
    flusher.flush()
    counts.add(CALLBACKS, *APPLIED)
    flusher.close()
    assert stored(engine) == 1
    with engine.connect() as connection:
        assert connection.execute(select(metric_workers)).all() == []
