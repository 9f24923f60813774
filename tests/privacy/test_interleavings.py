"""Tests of an erasure beside another session, at every step of both, and of kills between them."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from receiver.privacy.erase import UnknownJobError
from receiver.runtime.deadline import Deadline
from receiver.store.event import Event
from receiver.store.ledger.record import record, record_newest
from receiver.store.retry import retry_until
from tests.support.erasures import (
    erase_target,
    erased_row,
    found_places,
    personal_values,
    planted,
    target_of,
    without_time,
)
from tests.support.samples import OTHER_ACCOUNT
from tests.support.sessions import Kill, Stop, session, waits_for_lock
from tests.support.store_events import START, make_event, quarantined, stored_row

OLD = planted(make_event({"status": "RUNNING", "duration": 7}, minutes=3), 1)
NEW = planted(
    make_event({"status": "COMPLETED", "sentences": 5, "updated_at": START}, minutes=2), 1
)
OTHER = planted(make_event({"status": "COMPLETED"}, minutes=2), 2)
# Nothing says of which job it is, until it is validated again.
_UNNAMED = replace(quarantined(NEW), job_id=None)
_FOREIGN = replace(
    NEW,
    account_id=OTHER_ACCOUNT,
    head={**(NEW.head or {}), "account_id": OTHER_ACCOUNT},
    sha256=b"foreign".rjust(32),
)

STORED: dict[str, list[Event]] = {
    "an empty store": [],
    "something older": [OLD],
    "a quarantined duplicate": [OLD, quarantined(NEW)],
    "an unnamed duplicate": [OLD, _UNNAMED],
}
WRITES: dict[str, Callable[[Engine], object]] = {
    "new": lambda engine: record(engine, NEW, lock_seconds=30),
    "new in a batch": lambda engine: (
        record_newest(engine, [NEW, OTHER], lock_seconds=30)
        or [record(engine, event, lock_seconds=30) for event in (NEW, OTHER)]
    ),
    "late": lambda engine: record(engine, OLD, lock_seconds=30),
    "replayed": lambda engine: record(engine, replace(NEW, deliveries=0), lock_seconds=30),
    "quarantined": lambda engine: record(engine, quarantined(NEW)),
    "foreign": lambda engine: record(engine, _FOREIGN, lock_seconds=30),
}
PAIRS = [
    *((stored, "new") for stored in STORED),
    ("an empty store", "late"),
    ("something older", "new in a batch"),
    ("a quarantined duplicate", "replayed"),
    ("an unnamed duplicate", "replayed"),
    ("something older", "quarantined"),
    ("an unnamed duplicate", "quarantined"),
    ("something older", "foreign"),
]
# An erasure by address finds its job in other ways. By default these pairs show it.
_PAIRS_BY_ADDRESS = {
    ("something older", "new in a batch"),
    ("a quarantined duplicate", "replayed"),
    ("an unnamed duplicate", "quarantined"),
}
CASES = [
    *((*pair, "job") for pair in PAIRS),
    *(
        pytest.param(
            *pair, "address", marks=() if pair in _PAIRS_BY_ADDRESS else pytest.mark.thorough
        )
        for pair in PAIRS
    ),
]


def _clear(engine: Engine, stored: list[Event]) -> None:
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions, tombstones, erasures"))
    for event in stored:
        record(engine, event)


def _write(engine: Engine, write: Callable[[Engine], object]) -> None:
    """Write as a sender does, who tries again."""
    retry_until(Deadline(30), lambda: write(engine))


def _erase(engine: Engine, kind: str) -> None:
    with suppress(UnknownJobError):  # its first event is stored later
        retry_until(Deadline(30), lambda: erase_target(engine, target_of(kind, 1)))


def _assert_erased(engine: Engine, kind: str, *, was_known: bool) -> None:
    """Compare the row with the fold, after another erasure if the job was unknown before."""
    if not was_known:
        _erase(engine, kind)
    assert found_places(engine, personal_values(1)) == []
    with engine.connect() as connection:
        known = connection.execute(text("SELECT id FROM transcriptions WHERE id = 'job_1'")).all()
        shas = connection.execute(
            text("SELECT sha256 FROM events WHERE job_id = 'job_1' AND head IS NOT NULL")
        ).scalars()
        applied = {bytes(sha256) for sha256 in shas}
    stored = [event for event in (OLD, NEW) if event.sha256 in applied]
    if known:
        row = stored_row(engine, "job_1")
        assert row["erased_at"]
        assert without_time(row) == erased_row(stored)


def _eraser_is_stuck(engine: Engine) -> bool:
    """Return whether the erasure waits for a lock, or for the writes that began before it."""
    statement = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%virtualtransaction FROM pg_locks%'"
        " AND pid <> pg_backend_pid() AND state = 'idle'"
    )
    with engine.connect() as connection:
        return waits_for_lock(engine) or bool(connection.execute(statement).scalar())


def _wait_until_stuck_or_done(engine: Engine, future: "Future[Any]") -> None:
    """Wait until the erasure has come as far as it can."""
    give_up_at = time.monotonic() + 30
    seen = 0
    while not future.done() and seen < 5:
        seen = seen + 1 if _eraser_is_stuck(engine) else 0
        assert time.monotonic() < give_up_at


@pytest.mark.parametrize(("stored", "write", "kind"), CASES)
def test_erasure_at_any_step_of_a_write(engine: Engine, stored: str, write: str, kind: str) -> None:
    """An erasure that runs at any step of a write leaves nothing of it."""
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, STORED[stored])
        stop = Stop(step)
        with session(url, stop) as stopped, ThreadPoolExecutor(2) as pool:
            writing = pool.submit(_write, stopped, WRITES[write])
            while not (stop.reached.wait(0.001) or writing.done()):
                pass
            erasing = pool.submit(_erase, engine, kind)
            _wait_until_stuck_or_done(engine, erasing)
            stop.release()
            writing.result(30)
            erasing.result(60)
        _assert_erased(engine, kind, was_known=bool(STORED[stored]))
        if not stop.reached.is_set():
            break  # there are no more steps
    assert step > 0


@pytest.mark.parametrize(
    "write",
    [
        "new",
        "quarantined",
        *(pytest.param(write, marks=pytest.mark.thorough) for write in ("replayed", "foreign")),
    ],
)
@pytest.mark.parametrize("kind", ["job", pytest.param("address", marks=pytest.mark.thorough)])
def test_write_at_any_step_of_an_erasure(engine: Engine, write: str, kind: str) -> None:
    """A write at any step of an erasure leaves nothing."""
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, [OLD])
        stop = Stop(step)
        with session(url, stop) as stopped, ThreadPoolExecutor(2) as pool:
            erasing = pool.submit(_erase, stopped, kind)
            while not (stop.reached.wait(0.001) or erasing.done()):
                pass
            writing = pool.submit(_write, engine, WRITES[write])
            while not (writing.done() or waits_for_lock(engine)):
                pass
            stop.release()
            writing.result(30)
            erasing.result(60)
        assert found_places(engine, personal_values(1)) == []
        assert stored_row(engine, "job_1")["erased_at"]
        if not stop.reached.is_set():
            break
    assert step > 5


@pytest.mark.parametrize(
    "kind",
    [
        "job",
        *(pytest.param(kind, marks=pytest.mark.thorough) for kind in ("address", "conversation")),
    ],
)
def test_erasure_that_was_killed_at_any_step_continues(engine: Engine, kind: str) -> None:
    """A second call after a kill at any step finishes the erasure, with the same receipt."""
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, STORED["a quarantined duplicate"])
        kill = Kill(engine, step)
        with session(url, kill) as killed, suppress(Exception):
            erase_target(killed, target_of(kind, 1))
        receipt = erase_target(engine, target_of(kind, 1))
        assert found_places(engine, personal_values(1)) == []
        if not kill.done:
            break
        assert receipt.counts == {"jobs": 1, "events": 2, "bodies": 2} or receipt.id > 1
    assert step > 5


@pytest.mark.parametrize("write", ["new", "late", "replayed", "quarantined"])
def test_retry_of_a_killed_write_stores_nothing(engine: Engine, write: str) -> None:
    """A write for an erased job that was killed at any step stores nothing, nor does its retry."""
    url = engine.url.render_as_string(hide_password=False)
    for step in itertools.count():
        _clear(engine, [OLD])
        _erase(engine, "address")
        kill = Kill(engine, step)
        with session(url, kill) as killed:
            _write(killed, WRITES[write])
        assert found_places(engine, personal_values(1)) == []
        assert without_time(stored_row(engine, "job_1"))["transcript_sha256"] is None
        if not kill.done:
            break
    assert step > 0
