"""What chance doesn't show: every interleaving of two sessions, a kill between any two steps."""

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

BEFOREHAND: dict[str, list[Event]] = {
    "an empty store": [],
    "something newer": [NEWEST],
    "something older": [OLD],
    "a quarantined twin": [quarantined(NEW)],
}
PAIRS = {
    "old meets new": (OLD, NEW),
    "new meets old": (NEW, OLD),
    "new meets newest": (NEW, NEWEST),
    "twins": (NEW, replace(NEW, received_at=OLD.received_at)),
    "a twin is quarantined": (NEW, quarantined(NEW)),
    "the quarantined one is first": (quarantined(NEW), NEW),
}


def _clear(engine: Engine, beforehand: list[Event]) -> None:
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions"))
    for event in beforehand:
        record(engine, event)


def _check(engine: Engine, delivered: list[Event]) -> None:
    """Hold the row against the fold, for which it is enough that a body was let pass once."""
    passed = {event.sha256: event.head for event in delivered if event.head}
    judged = [
        replace(event, head=passed[event.sha256]) for event in delivered if event.sha256 in passed
    ]
    assert stored_row(engine) == expected_row(judged)
    assert count_deliveries(engine)[0] == len({event.sha256 for event in delivered})


def _wait(engine: Engine, other: "Future[object]") -> None:
    """Wait until the other session is done, or waits for a lock of the one that was stopped."""
    give_up = time.monotonic() + 30
    while not other.done() and not waits_for_lock(engine):
        assert time.monotonic() < give_up


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("beforehand", BEFOREHAND)
def test_two_sessions_in_any_interleaving(engine: Engine, beforehand: str, pair: str) -> None:
    """Wherever one session stands still while another passes, the row is the fold of all."""
    first, second = PAIRS[pair]
    url = engine.url.render_as_string(hide_password=False)
    for step in range(MOST_STEPS):
        _clear(engine, BEFOREHAND[beforehand])
        stop = Stop(step)
        with session(url, stop) as stopped, ThreadPoolExecutor(2) as pool:
            one: Future[object] = pool.submit(record, stopped, first)
            while not (stop.reached.wait(0.001) or one.done()):
                pass
            other: Future[object] = pool.submit(record, engine, second)
            _wait(engine, other)
            stop.release()
            one.result(30)
            other.result(30)
        _check(engine, [*BEFOREHAND[beforehand], first, second])
        if not stop.reached.is_set():
            break  # there are no more steps
    assert step > 0


@pytest.mark.parametrize("event", ["OLD", "NEW"])
@pytest.mark.parametrize("beforehand", BEFOREHAND)
def test_a_kill_between_any_two_steps_heals(engine: Engine, beforehand: str, event: str) -> None:
    """Whenever the session dies, the sender's next try leaves the row that is the fold."""
    told = {"OLD": OLD, "NEW": NEW}[event]
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, BEFOREHAND[beforehand])
        kill = Kill(engine, step)
        with session(url, kill) as killed:
            retry_until(Deadline(30), lambda: record(killed, told))
            if not kill.done:
                break  # there are no more steps
            # The sender, where it heard nothing, sends it again.
            retry_until(Deadline(30), lambda: record(killed, told))
        _check(engine, [*BEFOREHAND[beforehand], told])
    assert step > 1  # at least before and after the one statement
