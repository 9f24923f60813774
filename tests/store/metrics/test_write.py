"""Tests of adding batches of counts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Connection, Engine, func, select, update

from receiver.store.engine import transactional
from receiver.store.metrics.write import (
    CountKey,
    add_batch,
    register_worker,
    remove_old_workers,
)
from receiver.store.tables import metric_workers
from tests.support.metrics import snapshot_of
from tests.support.sessions import waits_for_lock
from tests.support.waiting import wait_until

HOUR = timedelta(hours=1)
COUNTS: dict[CountKey, float] = {("a_total", ('"x"', "")): 1, ("b_sum", ()): 0.5}


def _add(connection: Connection, sequence: int) -> int | None:
    return add_batch(connection, "worker", sequence, COUNTS, {"queued": 1})


def _stored(engine: Engine) -> dict[CountKey, float]:
    return {(row.name, tuple(row.labels)): row.value for row in snapshot_of(engine).counts or ()}


def test_batch_is_added_once(engine: Engine) -> None:
    """A batch that is sent again adds nothing, and neither does one that isn't the next."""
    with engine.connect() as connection:
        register_worker(connection, "worker")
        assert [_add(connection, sequence) for sequence in (1, 1, 3, 2)] == [1, 1, 1, 2]
    assert _stored(engine) == {key: 2 * value for key, value in COUNTS.items()}


def test_batch_of_an_unknown_worker_adds_nothing(engine: Engine) -> None:
    """A worker that isn't stored adds nothing."""
    with engine.connect() as connection:
        assert _add(connection, 1) is None
    assert _stored(engine) == {}


def test_batch_that_is_still_being_added_is_added_once(engine: Engine) -> None:
    """A batch is sent again while its first transaction is open; it is added once."""
    with engine.connect() as connection:
        register_worker(connection, "worker")
    with ThreadPoolExecutor(1) as executor, engine.connect() as other:
        with transactional(engine).connect() as first, first.begin():
            assert _add(first, 1) == 1
            second = executor.submit(_add, other, 1)
            wait_until(lambda: waits_for_lock(engine))
        assert second.result() in {0, 1}
        assert _add(other, 1) == 1
    assert _stored(engine) == COUNTS


def test_old_workers_are_removed(engine: Engine) -> None:
    """A worker that was seen within a day stays, and one that wasn't is removed."""
    with engine.connect() as connection:
        for name in ("old", "new"):
            register_worker(connection, name)
        connection.execute(
            update(metric_workers)
            .where(metric_workers.c.id == "old")
            .values(seen_at=func.now() - 25 * HOUR)
        )
        remove_old_workers(connection)
        assert connection.execute(select(metric_workers.c.id)).scalars().all() == ["new"]
