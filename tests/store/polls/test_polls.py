"""Tests of the watches: which jobs are due, and when a watch starts again or is deleted."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, Engine, select, text

from receiver.store.jobs.remove import remove_job
from receiver.store.ledger.record import record
from receiver.store.polls.queue import GiveUpReason, Watch, claim, give_up, reschedule
from receiver.store.polls.reasons import PollReason
from receiver.store.polls.refresh import MAX_ROWS_PER_STATEMENT, refresh
from receiver.store.tables import watches
from tests.support.samples import ACCOUNT
from tests.support.store_events import START, make_event

HOUR = timedelta(hours=1)
LATER = START + HOUR


def _watched_jobs(engine: Engine, count: int) -> list[str]:
    """Store unfinished jobs with a watch watch, and return their ids."""
    jobs = [f"job_{number:02}" for number in range(count)]
    for job in jobs:
        record(engine, make_event({"status": "PENDING"}, job=job))
    _refresh(engine)

    return jobs


def _run(engine: Engine, work: Callable[[Connection], object]) -> None:
    with engine.connect() as connection:
        work(connection)


def _refresh(
    engine: Engine, account: str | None = None, *, max_rows: int = MAX_ROWS_PER_STATEMENT
) -> bool:
    with engine.connect() as connection:
        return refresh(connection, account_id=account, grace=HOUR, at=LATER, max_rows=max_rows)


def _claim(engine: Engine, account: str | None = None) -> list[Watch]:
    with engine.connect() as connection:
        return claim(
            connection, account_id=account, due_by=LATER, leased_until=LATER + HOUR, limit=10
        )


def _ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(watches.c.job_id).order_by("job_id")).scalars())


def test_unneeded_watches_do_not_hide_due_ones(engine: Engine) -> None:
    """A due watch is claimed, however many earlier watches belong to jobs that have ended."""
    *ended, due = _watched_jobs(engine, 13)
    with engine.connect() as connection:
        connection.execute(
            text("UPDATE transcriptions SET status = 'FAILED' WHERE id <> :due"), {"due": due}
        )
        connection.execute(
            text("UPDATE watches SET due_at = due_at + interval '1 min' WHERE job_id = :due"),
            {"due": due},
        )
    assert [watch.job["id"] for watch in _claim(engine)] == [due]
    assert _ids(engine) == [*ended, due]


def test_watches_of_removed_and_ended_jobs_are_deleted(engine: Engine) -> None:
    """Refreshing deletes the watches of jobs that were removed or have ended."""
    removed, finished, unfinished = _watched_jobs(engine, 3)
    remove_job(engine, removed)
    record(engine, make_event({"status": "FAILED"}, job=finished))
    _refresh(engine)
    assert _ids(engine) == [unfinished]


def test_new_reason_resets_the_attempts(engine: Engine) -> None:
    """A watch starts again with no attempts when the reason for polling its job changes."""
    [job] = _watched_jobs(engine, 1)
    with engine.connect() as connection:
        connection.execute(text("UPDATE watches SET attempts = 13, unknown = 4"))
    [before] = _claim(engine)
    assert (before.reason, before.attempts, before.unknown) == (PollReason.STATUS, 13, 4)
    record(engine, make_event({"status": "COMPLETED", "conversation_id": "conv"}, job=job))
    with engine.connect() as connection:
        connection.execute(text("UPDATE watches SET due_at = :at"), {"at": START})
    [after] = _claim(engine)
    assert (after.reason, after.attempts, after.unknown) == (PollReason.TRANSCRIPT, 0, 0)


def test_rescheduled_watch_keeps_its_counts(engine: Engine) -> None:
    """A rescheduled watch keeps its counts, and a watch that was given up isn't claimed."""
    _watched_jobs(engine, 1)
    [claimed] = _claim(engine)
    rescheduled = Watch(
        job=claimed.job,
        reason=claimed.reason,
        attempts=3,
        unknown=2,
        leased_until=claimed.leased_until,
    )
    _run(engine, lambda connection: reschedule(connection, rescheduled, START))
    [claimed_again] = _claim(engine)
    assert (claimed_again.attempts, claimed_again.unknown) == (3, 2)
    _run(
        engine,
        lambda connection: give_up(connection, claimed_again, GiveUpReason.UNKNOWN_AT_TWILIO),
    )
    assert _claim(engine) == []


def test_watches_of_another_account_are_not_claimed(engine: Engine) -> None:
    """Watches of another account aren't claimed, and refreshing deletes them."""
    jobs = _watched_jobs(engine, 2)
    assert _claim(engine, "AC_other") == []
    assert _ids(engine) == jobs
    _refresh(engine, "AC_other")
    assert _ids(engine) == []
    _refresh(engine, ACCOUNT)
    assert len(_claim(engine, ACCOUNT)) == 2


def test_refresh_limits_rows_per_statement(engine: Engine) -> None:
    """Refreshing writes at most the limit of rows, and returns whether there may be more."""
    jobs = _watched_jobs(engine, 5)
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE watches"))
    counts = []
    while _refresh(engine, max_rows=2):
        counts.append(len(_ids(engine)))
    assert (counts, _ids(engine)) == ([2, 4], jobs)
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE transcriptions"))
    assert _refresh(engine, max_rows=2)
    assert len(_ids(engine)) == 3


def test_given_up_watch_restarts_only_for_another_reason(engine: Engine) -> None:
    """A watch that was given up starts again only when its job is polled for another reason."""
    [job] = _watched_jobs(engine, 1)
    [claimed] = _claim(engine)
    _run(engine, lambda connection: give_up(connection, claimed, GiveUpReason.UNKNOWN_AT_TWILIO))
    _refresh(engine)
    assert (_claim(engine), _ids(engine)) == ([], [job])
    record(engine, make_event({"status": "COMPLETED", "conversation_id": "conv"}, job=job))
    _refresh(engine)
    assert [watch.reason for watch in _claim(engine)] == [PollReason.TRANSCRIPT]


def test_gap_without_configuration_is_polled_in_its_conversation(engine: Engine) -> None:
    """A gap without a known configuration is polled for its conversation; other jobs are not."""
    record(engine, make_event({"status": "COMPLETED"}, job="gap"))
    record(engine, make_event({"status": "COMPLETED", "sentences": 1}, job="complete"))
    record(
        engine,
        make_event({"status": "COMPLETED", "resolved_configuration": {}}, job="with_configuration"),
    )
    _refresh(engine)
    assert [(watch.job["id"], watch.reason) for watch in _claim(engine)] == [
        ("gap", PollReason.CONVERSATION)
    ]
