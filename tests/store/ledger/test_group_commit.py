"""Tests of group commit: events in the queue share one commit, and none delays another for long."""

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

from receiver.runtime.deadline import Deadline
from receiver.store.engine import transactional
from receiver.store.event import Event, Outcome
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.record import record
from receiver.store.ledger.recorded import Recorded
from receiver.store.retry import retry_until
from receiver.store.sqlstate import Cause, cause_of
from receiver.store.tables import events
from tests.support.sessions import waits_for_lock
from tests.support.store_events import START, make_event, quarantined
from tests.support.waiting import wait_until

HEAD = {"status": "COMPLETED", "sentences": 5, "updated_at": START}


def _event(number: int) -> Event:
    return make_event(HEAD, job=f"job_{number}", minutes=number)


def _waits_in_queue(frame: FrameType) -> bool:
    callers = {caller.f_code for caller, _ in traceback.walk_stack(frame)}

    return (
        frame.f_code is threading.Condition.wait.__code__
        and GroupCommitter.record.__code__ in callers
    )


def _has_queue_length(length: int) -> bool:
    """Return whether this many threads wait in the queue, according to their stacks."""
    return sum(map(_waits_in_queue, sys._current_frames().values())) == length  # noqa: SLF001 - Python documents it


@contextmanager
def _queue(engine: Engine, queued: Sequence[Event]) -> Iterator[list[Future[Recorded]]]:
    """Queue events behind one that waits for a lock; yield their futures once it is done."""
    committer = GroupCommitter(engine, max_leaders=1, lock_wait_seconds=30)
    with ThreadPoolExecutor(len(queued) + 1) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("SELECT 1 FROM transcriptions WHERE id = 'first' FOR UPDATE"))
            first = pool.submit(committer.record, make_event(HEAD, job="first", minutes=3))
            wait_until(lambda: waits_for_lock(engine))
            futures = []
            for number, event in enumerate(queued, 1):
                futures.append(pool.submit(committer.record, event))
                wait_until(partial(_has_queue_length, number))
        first.result(30)
        yield futures


@pytest.fixture(autouse=True)
def _first_job(engine: Engine) -> None:
    """Store a job whose row can be locked."""
    record(engine, make_event({"status": "RUNNING"}, job="first", minutes=1))


def _writers(engine: Engine, *jobs: str) -> set[str]:
    statement = select(events.c.transaction_id).where(events.c.job_id.in_(jobs))
    with engine.connect() as connection:
        return set(connection.execute(statement).scalars())


def test_locked_job_does_not_delay_others(engine: Engine) -> None:
    """While a batch waits for a lock, the next batch is recorded, as long as leaders are left."""
    committer = GroupCommitter(engine, max_leaders=2, lock_wait_seconds=30)
    with ThreadPoolExecutor(3) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("SELECT 1 FROM transcriptions WHERE id = 'first' FOR UPDATE"))
            first = pool.submit(committer.record, make_event(HEAD, job="first", minutes=3))
            wait_until(lambda: waits_for_lock(engine))
            others = [pool.submit(committer.record, _event(number)) for number in (1, 2)]
            assert {other.result(30).outcome for other in others} == {Outcome.APPLIED}
            assert not first.done()
        assert first.result(30).outcome == Outcome.APPLIED


def test_events_of_locked_jobs_are_refused_while_others_are_recorded(engine: Engine) -> None:
    """Only the events of locked jobs fail; those of other jobs are recorded."""
    committer = GroupCommitter(engine, max_leaders=1)
    record(engine, make_event({"status": "RUNNING"}, job="second", minutes=1))
    locked = [make_event(HEAD, job=job, minutes=3) for job in ("first", "second")]
    others = [_event(number) for number in range(20)]
    with ThreadPoolExecutor(30) as pool:
        with transactional(engine).begin() as connection:
            connection.execute(text("SELECT 1 FROM transcriptions FOR UPDATE"))
            for _ in range(2):  # the second time it is known that the jobs are locked
                failing = [pool.submit(committer.record, event) for event in locked]
                # On a busy machine, one of Postgres's own short locks may take longer.
                passing = [
                    pool.submit(retry_until, Deadline(30), committer.record, event)
                    for event in others
                ]
                assert {each.result(30).outcome for each in passing} == {Outcome.APPLIED}
                errors = [each.exception(30) for each in failing]
                assert [error and cause_of(error) for error in errors] == [Cause.LOCK] * 2
        assert {committer.record(event).outcome for event in locked} == {Outcome.APPLIED}


def test_queued_events_share_one_commit(engine: Engine) -> None:
    """Events that arrive while another is recorded share one transaction."""
    with _queue(engine, [_event(number) for number in (3, 1, 2)]) as futures:
        outcomes = [future.result(30).outcome for future in futures]
    assert outcomes == [Outcome.APPLIED] * 3
    assert len(_writers(engine, "job_1", "job_2", "job_3")) == 1


def test_each_caller_gets_its_own_result(engine: Engine) -> None:
    """Each caller receives the id of its own event, in any order of writing."""
    queued = [_event(number) for number in (3, 1, 2)]
    with _queue(engine, queued) as futures:
        recorded = [
            (future.result(30).id, event.job_id)
            for future, event in zip(futures, queued, strict=True)
        ]
    statement = select(events.c.id, events.c.job_id).where(events.c.job_id != "first")
    with engine.connect() as connection:
        assert sorted(map(tuple, connection.execute(statement))) == sorted(recorded)


def test_quarantined_duplicate_does_not_harm_others(engine: Engine) -> None:
    """A duplicate of a quarantined event rolls back the batch, and each event is recorded alone."""
    duplicate = _event(2)
    record(engine, quarantined(duplicate))
    with _queue(engine, [_event(1), duplicate, _event(3)]) as futures:
        outcomes = [future.result(30).outcome for future in futures]
    assert outcomes == [Outcome.APPLIED] * 3


@pytest.mark.parametrize(
    "unstorable", ["a\0b", "\ud800", object()], ids=["NUL", "surrogate", "no value"]
)
@pytest.mark.parametrize("place", range(3))
def test_unstorable_event_does_not_harm_others(
    engine: Engine, place: int, unstorable: object
) -> None:
    """Only the caller of an event that Postgres refuses gets an error, anywhere in the queue."""
    queued = [_event(number) for number in range(3)]
    queued[place] = replace(
        queued[place], head=(queued[place].head or {}) | {"media_url": unstorable}
    )
    with _queue(engine, queued) as futures:
        assert futures[place].exception(30) is not None
        others = [future.result(30) for future in futures if future is not futures[place]]
    assert [recorded.outcome for recorded in others] == [Outcome.APPLIED] * 2
    with engine.connect() as connection:
        assert set(connection.execute(select(events.c.deliveries)).scalars()) == {1}


def test_late_events_in_a_batch_get_their_outcomes(engine: Engine) -> None:
    """A duplicate and an older event keep their outcomes beside the newest event of their job."""
    newest, older = _event(1), make_event({"status": "RUNNING"}, job="job_1", minutes=9)
    with _queue(engine, [newest, older, newest]) as futures:
        outcomes = sorted(future.result(30).outcome for future in futures)
    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.STALE]


def test_batch_has_one_event_per_job(engine: Engine) -> None:
    """A job's second event ends the batch and is recorded in the next commit."""
    running = {"status": "RUNNING", "updated_at": START}
    first, second = (make_event(head, job="job_1", minutes=1) for head in (running, HEAD))
    with _queue(engine, [first, second, _event(2)]) as futures:
        assert all(future.result(30).outcome == Outcome.APPLIED for future in futures)
    assert len(_writers(engine, "job_1")) == 2
    assert len(_writers(engine, "job_1", "job_2")) == 2


def test_large_bodies_do_not_share_a_batch(engine: Engine) -> None:
    """Bodies that exceed the batch's limit together are recorded in separate commits."""
    large = [replace(_event(number), body=bytes(400_000)) for number in (1, 2)]
    with _queue(engine, large) as futures:
        assert all(future.result(30).outcome == Outcome.APPLIED for future in futures)
    assert len(_writers(engine, "job_1", "job_2")) == 2


def _run_under_gevent(module: str, engine: Engine) -> list[str]:
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", f"tests.support.{module}", url]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    return process.stdout.splitlines()


def test_clients_that_take_turns_share_commits(engine: Engine) -> None:
    """Two clients that send their next event at once share a commit from the second one on.

    A leader that is interrupted before its batch leaves the others to the next one.
    """
    assert _run_under_gevent("concurrent_commits", engine) == ["11 commits, 20 events", "behind"]


def test_interrupted_commit_leaves_no_result_behind(engine: Engine) -> None:
    """An event that is interrupted at its deadline leaves no result for the next caller."""
    assert _run_under_gevent("interrupted_commits", engine) == ["DeadlineExceededError", "last"]
