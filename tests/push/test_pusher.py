"""Tests of what an endpoint gets, in which order, and what is stored of it."""

import logging

import pytest
from sqlalchemy import Engine

from receiver.push.lease import ClaimLostError
from receiver.store.push.operator import resume, rewind
from tests.support.pushing import (
    DELIVERED,
    FAILED,
    GONE,
    NAME,
    Endpoint,
    end_leases,
    end_pauses,
    state_of,
)
from tests.support.stored_callbacks import callback, record_callback

THREE_JOBS = ["job0", "job1", "job2"]


@pytest.fixture
def endpoint(engine: Engine) -> Endpoint:
    """Return an endpoint that was started before there was any job."""
    endpoint = Endpoint()
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    pusher.release()

    return endpoint


def _store_jobs(engine: Engine, *jobs: str, status: str = "running") -> None:
    for job in jobs:
        record_callback(engine, callback(job, status=status))


def test_new_endpoint_starts_at_the_end_of_the_feed(engine: Engine) -> None:
    """An endpoint gets what changes from its start on, not what is stored already."""
    _store_jobs(engine, "before")
    endpoint = Endpoint()
    pusher = endpoint.pusher(engine)
    assert pusher.push_due().delivered == 0
    _store_jobs(engine, "after")
    assert pusher.push_due().delivered == 1
    assert endpoint.jobs() == ["after"]


def test_changes_arrive_once_in_the_order_of_the_feed(engine: Engine, endpoint: Endpoint) -> None:
    """Each change is sent once, in order, with numbers that rise."""
    _store_jobs(engine, *THREE_JOBS)
    pusher = endpoint.pusher(engine)
    assert pusher.push_due().delivered == len(THREE_JOBS)
    assert pusher.push_due().delivered == 0
    _store_jobs(engine, "job1", status="completed")
    pusher.push_due()
    numbers = [each.sequence for each in endpoint.received]
    assert numbers == sorted(set(numbers))
    assert endpoint.jobs() == [*THREE_JOBS, "job1"]


def test_newest_state_wins_over_what_waits(engine: Engine, endpoint: Endpoint) -> None:
    """A job that changes while the endpoint is down is sent once, in its newest state."""
    _store_jobs(engine, *THREE_JOBS)
    endpoint.answers(FAILED)
    pusher = endpoint.pusher(engine)
    assert pusher.push_due().error == FAILED.reason
    _store_jobs(engine, "job0", "job2", status="completed")
    endpoint.jobs()
    end_pauses(engine)
    pusher.push_due()
    assert [(each.job, each.status) for each in endpoint.received] == [
        ("job1", "RUNNING"),
        ("job0", "COMPLETED"),
        ("job2", "COMPLETED"),
    ]


def test_failure_is_stored_until_a_delivery(engine: Engine, endpoint: Endpoint) -> None:
    """The row says since when, why and at which job an endpoint fails, and forgets it after."""
    _store_jobs(engine, *THREE_JOBS)
    endpoint.answers(DELIVERED, FAILED, FAILED)
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    first = state_of(engine)
    assert (first.failures, first.failing_job_id, first.last_error) == (1, "job1", "answered 503")
    assert first.retry_at
    assert first.retry_at > first.read_at
    assert pusher.push_due().error == FAILED.reason
    assert endpoint.jobs() == ["job0", "job1"]  # not before it is due
    end_pauses(engine)
    pusher.push_due()
    second = state_of(engine)
    assert (second.failures, second.failing_since) == (2, first.failing_since)
    end_pauses(engine)
    assert pusher.push_due().error is None
    last = state_of(engine)
    assert (last.failures, last.failing_since, last.retry_at) == (0, None, None)
    assert (last.failing_job_id, last.last_error) == (None, None)
    assert last.delivered_at
    assert last.caught_up_at > first.caught_up_at
    assert endpoint.jobs() == ["job1", "job1", "job2"]


def test_endpoint_without_waiting_changes_does_not_fail(engine: Engine, endpoint: Endpoint) -> None:
    """If the job that failed is removed, the endpoint has everything, so it fails no more."""
    _store_jobs(engine, "job")
    endpoint.answers(FAILED)
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM transcriptions")
    end_pauses(engine)
    assert pusher.push_due().error is None
    assert state_of(engine).failures == 0


def test_lag_is_that_of_what_waits(engine: Engine, endpoint: Endpoint) -> None:
    """An endpoint for which something always waits has what was committed before a sweep began."""
    started_at = state_of(engine).caught_up_at
    _store_jobs(engine, "job0")
    pusher = endpoint.pusher(engine)
    endpoint.answers(DELIVERED, DELIVERED, FAILED)
    endpoint.before_answer = lambda: _store_jobs(engine, f"job{len(endpoint.received)}")
    assert pusher.push_due().error == FAILED.reason
    assert endpoint.jobs() == THREE_JOBS
    assert state_of(engine).caught_up_at > started_at


def test_410_disables_until_resume(engine: Engine, endpoint: Endpoint) -> None:
    """An endpoint that answers 410 gets nothing, until it is resumed; then it gets everything."""
    _store_jobs(engine, *THREE_JOBS)
    endpoint.answers(DELIVERED, GONE)
    pusher = endpoint.pusher(engine)
    assert pusher.push_due().error == GONE.reason
    end_pauses(engine)
    assert pusher.push_due().error == GONE.reason
    assert state_of(engine).disabled_at
    endpoint.jobs()
    with engine.connect() as connection:
        assert resume(connection, NAME)
    assert pusher.push_due().error is None
    assert endpoint.jobs() == ["job1", "job2"]
    assert not state_of(engine).disabled_at


def test_rewind_sends_everything_again(engine: Engine, endpoint: Endpoint) -> None:
    """After a rewind, the process that sends starts at the beginning."""
    _store_jobs(engine, *THREE_JOBS)
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    with engine.connect() as connection:
        assert rewind(connection, NAME)
    pusher.push_due()
    assert endpoint.jobs() == THREE_JOBS * 2


def test_rewind_during_an_attempt_is_kept(engine: Engine, endpoint: Endpoint) -> None:
    """The process that is sending can't undo what an operator did in the meantime."""
    _store_jobs(engine, *THREE_JOBS)

    def rewind_once() -> None:
        endpoint.before_answer = lambda: None
        with engine.connect() as connection:
            rewind(connection, NAME)

    endpoint.before_answer = rewind_once
    pusher = endpoint.pusher(engine)
    with pytest.raises(ClaimLostError):
        pusher.push_due()
    pusher.push_due()
    assert endpoint.jobs() == ["job0", *THREE_JOBS]


def test_only_one_process_sends(engine: Engine, endpoint: Endpoint) -> None:
    """A second process waits until the first one releases its claim, or its lease ends."""
    first, second = endpoint.pusher(engine), endpoint.pusher(engine)
    first.push_due()
    _store_jobs(engine, *THREE_JOBS)
    assert second.push_due().is_elsewhere
    assert endpoint.jobs() == []
    first.release()
    assert second.push_due().delivered == len(THREE_JOBS)
    end_leases(engine)
    assert not first.push_due().is_elsewhere


def test_stalled_process_cannot_move_the_cursor_back(engine: Engine, endpoint: Endpoint) -> None:
    """A process whose lease ended during an attempt stores nothing, and its number is lower."""
    _store_jobs(engine, *THREE_JOBS)
    stalled, other = endpoint.pusher(engine), endpoint.pusher(engine)

    def be_overtaken() -> None:
        endpoint.before_answer = lambda: None
        end_leases(engine)
        _store_jobs(engine, "job0", status="completed")
        other.push_due()

    endpoint.before_answer = be_overtaken
    with pytest.raises(ClaimLostError):
        stalled.push_due()
    late, *later = endpoint.received
    assert (late.job, late.status) == ("job0", "RUNNING")
    assert [each.job for each in later] == ["job1", "job2", "job0"]
    assert all(each.sequence > late.sequence for each in later)
    endpoint.received.clear()
    assert stalled.push_due().is_elsewhere
    other.release()
    stalled.push_due()
    assert endpoint.jobs() == []


def test_attempt_needs_most_of_the_lease(engine: Engine, endpoint: Endpoint) -> None:
    """Nothing is sent with a lease that may end during the attempt."""
    _store_jobs(engine, *THREE_JOBS)
    looks = iter([False, False, True])
    pusher = endpoint.pusher(engine, lease_seconds=1.0, is_stopping=lambda: next(looks))
    assert pusher.push_due().delivered == 0
    assert endpoint.jobs() == []


def test_cursor_of_another_history_starts_anew(engine: Engine, endpoint: Endpoint) -> None:
    """After a restore or a failover, which may have undone changes, everything is sent again."""
    _store_jobs(engine, *THREE_JOBS)
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE push_endpoints SET cursor = 'eyJ2IjoxLCJoIjoiYW5vdGhlciIsInNpbmNlIjpbMV19'"
        )
    assert pusher.push_due().delivered == len(THREE_JOBS)
    assert endpoint.jobs() == THREE_JOBS * 2


def test_process_that_stops_stores_what_it_delivered(engine: Engine, endpoint: Endpoint) -> None:
    """A process that ends between two attempts leaves nothing to be repeated."""
    _store_jobs(engine, *THREE_JOBS)
    looks = iter([False, True])
    pusher = endpoint.pusher(engine, is_stopping=lambda: next(looks))
    assert pusher.push_due().delivered == 1
    pusher.release()
    endpoint.pusher(engine).push_due()
    assert endpoint.jobs() == THREE_JOBS


def test_sequence_rises_after_a_restore(engine: Engine, endpoint: Endpoint) -> None:
    """A row from a backup has an old number; the next one is higher than all that were used."""
    _store_jobs(engine, *THREE_JOBS)
    pusher = endpoint.pusher(engine)
    pusher.push_due()
    highest = endpoint.received[-1].sequence
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE push_endpoints SET sequence = 0, cursor = NULL")
    pusher.push_due()
    assert endpoint.received[len(THREE_JOBS)].sequence > highest


def test_long_backlog_is_reported(
    engine: Engine, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """While a backlog is sent, the log says now and then how much of it."""
    _store_jobs(engine, *THREE_JOBS)
    with caplog.at_level(logging.INFO, "receiver.push.progress"):
        endpoint.pusher(engine, report_seconds=0).push_due()
        endpoint.pusher(engine, report_seconds=60).push_due()
    assert [line.__dict__["delivered"] for line in caplog.records] == [1, 2, 3]
