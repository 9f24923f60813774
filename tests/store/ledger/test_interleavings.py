"""Tests of every interleaving of two sessions, and of a kill between any two of their steps."""

import itertools
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.store.event import Event
from receiver.store.ledger.record import record
from receiver.store.retry import retry_until
from tests.support.sessions import Kill, Stop, session, waits_for_lock
from tests.support.store_events import (
    START,
    count_deliveries,
    expected_row,
    make_event,
    quarantined,
    stored_row,
)

OLD = make_event({"status": "RUNNING", "source_id": "RE1", "duration": 7}, minutes=3)
NEW = make_event({"status": "COMPLETED", "sentences": 5, "updated_at": START}, minutes=2)
NEWEST = make_event(
    {"status": "COMPLETED", "sentences": 0, "conversation_id": "c", "updated_at": NEW.received_at},
    minutes=1,
)
# The slow path has the most steps: claim, lock, event, the events to fold, update, commit.
MOST_STEPS = 7

STORED: dict[str, list[Event]] = {
    "an empty store": [],
    "something newer": [NEWEST],
    "something older": [OLD],
    "a quarantined duplicate": [quarantined(NEW)],
}
PAIRS = {
    "old, then new": (OLD, NEW),
    "new, then old": (NEW, OLD),
    "new, then newest": (NEW, NEWEST),
    "duplicates": (NEW, replace(NEW, received_at=OLD.received_at)),
    "applied, then quarantined": (NEW, quarantined(NEW)),
    "quarantined, then applied": (quarantined(NEW), NEW),
}


def _clear(engine: Engine, stored: list[Event]) -> None:
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions"))
    for event in stored:
        record(engine, event)


def _assert_row_is_fold(engine: Engine, delivered: list[Event]) -> None:
    """Compare the row with the fold; a body is valid if any of its deliveries was valid."""
    valid_heads = {event.sha256: event.head for event in delivered if event.head}
    validated = [
        replace(event, head=valid_heads[event.sha256])
        for event in delivered
        if event.sha256 in valid_heads
    ]
    assert stored_row(engine) == expected_row(validated)
    assert count_deliveries(engine)[0] == len({event.sha256 for event in delivered})


def _wait_for_lock_or_end(engine: Engine, other: "Future[object]") -> None:
    """Wait until the other session ends, or waits for a lock of the stopped session."""
    give_up_at = time.monotonic() + 30
    while not other.done() and not waits_for_lock(engine):
        assert time.monotonic() < give_up_at


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("stored", STORED)
def test_any_interleaving_gives_the_fold(engine: Engine, stored: str, pair: str) -> None:
    """The row is the fold of all events, at any step where one session waits for the other."""
    first, second = PAIRS[pair]
    url = engine.url.render_as_string(hide_password=False)
    for step in range(MOST_STEPS):
        _clear(engine, STORED[stored])
        stop = Stop(step)
        with session(url, stop) as stopped, ThreadPoolExecutor(2) as pool:
            one: Future[object] = pool.submit(record, stopped, first, lock_seconds=30)
            while not (stop.reached.wait(0.001) or one.done()):
                pass
            other: Future[object] = pool.submit(record, engine, second, lock_seconds=30)
            _wait_for_lock_or_end(engine, other)
            stop.release()
            one.result(30)
            other.result(30)
        _assert_row_is_fold(engine, [*STORED[stored], first, second])
        if not stop.reached.is_set():
            break  # there are no more steps
    assert step > 0


@pytest.mark.parametrize("event", [OLD, NEW], ids=["OLD", "NEW"])
@pytest.mark.parametrize("stored", STORED)
def test_retry_after_any_kill_gives_the_fold(engine: Engine, stored: str, event: Event) -> None:
    """The row is the fold after the sender's retry, at any step where its session was killed."""
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, STORED[stored])
        kill = Kill(engine, step)
        with session(url, kill) as killed:
            retry_until(Deadline(30), lambda: record(killed, event))
            if not kill.done:
                break  # there are no more steps
            # A sender without a response sends the callback again.
            retry_until(Deadline(30), lambda: record(killed, event))
        _assert_row_is_fold(engine, [*STORED[stored], event])
    assert step > 1  # at least before and after the one statement
