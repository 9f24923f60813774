"""Recording together: who waits in line is recorded in one commit, and never held up by another."""

import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import FrameType

import pytest
from sqlalchemy import Engine, select, text

from receiver.store.engine import transactional
from receiver.store.event import Event, Outcome
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.record import Recorded, record
from receiver.store.tables import events
from tests.support.server import wait_until
from tests.support.sessions import waits_for_lock
from tests.support.store_events import START, make_event, quarantined

HEAD = {"status": "COMPLETED", "sentences": 5, "updated_at": START}


def _event(number: int) -> Event:
    return make_event(HEAD, job=f"job_{number}", minutes=number)


def _waits_in_line(frame: FrameType) -> bool:
    callers = {caller.f_code for caller, _ in traceback.walk_stack(frame)}

    return (
        frame.f_code is threading.Condition.wait.__code__
        and GroupCommitter.record.__code__ in callers
    )


def _is_so_long(length: int) -> bool:
    """Return whether so many threads wait in the line, by where each of them stands."""
    return sum(map(_waits_in_line, sys._current_frames().values())) == length  # noqa: SLF001 - documented


@contextmanager
def _line(engine: Engine, waiting: Sequence[Event]) -> Iterator[list[Future[Recorded]]]:
    """Let all stand in line behind one who can't go on, and yield what becomes of them after it."""
    together = GroupCommitter(engine, max_leaders=1)
    with ThreadPoolExecutor(len(waiting) + 1) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("SELECT 1 FROM transcriptions WHERE id = 'first' FOR UPDATE"))
            first = pool.submit(together.record, make_event(HEAD, job="first", minutes=3))
            wait_until(lambda: waits_for_lock(engine))
            futures = []
            for number, event in enumerate(waiting, 1):
                futures.append(pool.submit(together.record, event))
                wait_until(partial(_is_so_long, number))
        first.result(30)
        yield futures


@pytest.fixture(autouse=True)
def first(engine: Engine) -> None:
    """Let there be a job whose row can be locked."""
    record(engine, make_event({"status": "RUNNING"}, job="first", minutes=1))


def _writers(engine: Engine, *jobs: str) -> set[str]:
    statement = select(events.c.transaction_id).where(events.c.job_id.in_(jobs))
    with engine.connect() as connection:
        return set(connection.execute(statement).scalars())


def test_a_locked_job_holds_up_no_other(engine: Engine) -> None:
    """Behind one who waits for a lock the next one leads, as long as there are connections."""
    together = GroupCommitter(engine, max_leaders=2)
    with ThreadPoolExecutor(3) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("SELECT 1 FROM transcriptions WHERE id = 'first' FOR UPDATE"))
            first = pool.submit(together.record, make_event(HEAD, job="first", minutes=3))
            wait_until(lambda: waits_for_lock(engine))
            others = [pool.submit(together.record, _event(number)) for number in (1, 2)]
            assert {other.result(30).outcome for other in others} == {Outcome.APPLIED}
            assert not first.done()
        assert first.result(30).outcome == Outcome.APPLIED


def test_who_waits_is_recorded_in_one_commit(engine: Engine) -> None:
    """What came while another was being recorded is one transaction's."""
    with _line(engine, [_event(number) for number in (3, 1, 2)]) as futures:
        outcomes = [future.result(30).outcome for future in futures]
    assert outcomes == [Outcome.APPLIED] * 3
    assert len(_writers(engine, "job_1", "job_2", "job_3")) == 1


def test_each_is_told_of_its_own_event(engine: Engine) -> None:
    """The number is that of the sender's own event, in whatever order they were written."""
    line = [_event(number) for number in (3, 1, 2)]
    with _line(engine, line) as futures:
        told = [
            (future.result(30).id, event.job_id)
            for future, event in zip(futures, line, strict=True)
        ]
    statement = select(events.c.id, events.c.job_id).where(events.c.job_id != "first")
    with engine.connect() as connection:
        assert sorted(map(tuple, connection.execute(statement))) == sorted(told)


def test_a_twin_that_was_quarantined_harms_no_other(engine: Engine) -> None:
    """It breaks the transaction, for it is in the ledger already; each goes on alone."""
    doubted = _event(2)
    record(engine, quarantined(doubted))
    with _line(engine, [_event(1), doubted, _event(3)]) as futures:
        outcomes = [future.result(30).outcome for future in futures]
    assert outcomes == [Outcome.APPLIED] * 3


@pytest.mark.parametrize("bad", ["a\0b", "\ud800", object()], ids=["NUL", "surrogate", "no value"])
@pytest.mark.parametrize("place", range(3))
def test_what_the_store_refuses_harms_no_other(engine: Engine, place: int, bad: object) -> None:
    """Its sender alone is told, wherever in line it stood."""
    line = [_event(number) for number in range(3)]
    line[place] = replace(line[place], head=(line[place].head or {}) | {"media_url": bad})
    with _line(engine, line) as futures:
        assert futures[place].exception(30) is not None
        others = [future.result(30) for future in futures if future is not futures[place]]
    assert [recorded.outcome for recorded in others] == [Outcome.APPLIED] * 2
    with engine.connect() as connection:
        assert set(connection.execute(select(events.c.deliveries)).scalars()) == {1}


def test_what_comes_late_is_judged_as_ever(engine: Engine) -> None:
    """A duplicate and an older event of the same job, in one line with the newest."""
    newest, older = _event(1), make_event({"status": "RUNNING"}, job="job_1", minutes=9)
    with _line(engine, [newest, older, newest]) as futures:
        outcomes = sorted(future.result(30).outcome for future in futures)
    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.STALE]


def test_a_job_comes_once_at_a_time(engine: Engine) -> None:
    """Of a job's two events the second waits for the next commit, and ends the first one's."""
    running = {"status": "RUNNING", "updated_at": START}
    first, second = (make_event(head, job="job_1", minutes=1) for head in (running, HEAD))
    with _line(engine, [first, second, _event(2)]) as futures:
        assert all(future.result(30).outcome == Outcome.APPLIED for future in futures)
    assert len(_writers(engine, "job_1")) == 2
    assert len(_writers(engine, "job_1", "job_2")) == 2


def test_large_bodies_are_not_recorded_together(engine: Engine) -> None:
    """Nobody waits for megabytes of others."""
    large = [replace(_event(number), body=bytes(400_000)) for number in (1, 2)]
    with _line(engine, large) as futures:
        assert all(future.result(30).outcome == Outcome.APPLIED for future in futures)
    assert len(_writers(engine, "job_1", "job_2")) == 2


def test_what_is_given_up_leaves_no_answer_behind(engine: Engine) -> None:
    """At the deadline it ends, and the next sender is told of its own event and no other's."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.support.interrupted_commits", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["DeadlineExceededError", "last"], done.stderr
