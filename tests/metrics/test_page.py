"""Tests of the page that is made of the workers' states."""

from receiver.metrics.page import render
from receiver.metrics.worker_state import SpoolState, WorkerState
from receiver.store.metrics.read import Snapshot
from tests.support.metrics import value


def _state(spool: SpoolState | None) -> dict[str, object]:
    state = WorkerState(memory_bytes=None, held_bytes=5, queued=2, connections=1, spool=spool)

    return state.to_dict()


def test_states_of_workers_are_added() -> None:
    """What workers hold is added up, and a spool that several workers share counts once."""
    shared = SpoolState(place="one", files=3, oldest_at=20.0)
    other = SpoolState(place="two", files=4, oldest_at=10.0)
    states = [_state(shared), _state(shared), _state(other), _state(None)]
    page = render(Snapshot((), states, (), (), {}), None, is_up=True, is_writable=None).decode()
    assert value(page, "receiver_workers") == 4
    assert value(page, "receiver_bodies_held_bytes") == 20
    assert value(page, "receiver_callbacks_queued") == 8
    assert value(page, "receiver_memory_bytes") == 0
    assert value(page, "receiver_spool_files") == 7
    assert value(page, "receiver_spool_oldest_timestamp_seconds") == 10


def test_database_that_was_not_asked_is_neither_up_nor_down() -> None:
    """While readers use all connections, the page doesn't say that the database is down."""
    page = render(None, None, is_up=None, is_writable=None).decode()
    assert value(page, "receiver_database_up") is None
    assert "receiver_build_info" in page
