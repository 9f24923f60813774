"""Watches: whose turn it is, and that nobody's turn comes for what is no more needed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, select, text

from receiver.store.jobs.remove import remove_job
from receiver.store.ledger.record import record
from receiver.store.polls import refresh as refreshing
from receiver.store.polls.queue import GiveUpReason, Watch, claim, give_up, reschedule
from receiver.store.polls.reasons import PollReason
from receiver.store.polls.refresh import refresh
from receiver.store.tables import watches
from tests.support.store_events import ACCOUNT, START, make_event

HOUR = timedelta(hours=1)
LATER = START + HOUR


def _watched(engine: Engine, count: int) -> list[str]:
    """Let there be unfinished jobs with a watch each."""
    jobs = [f"job_{number:02}" for number in range(count)]
    for job in jobs:
        record(engine, make_event({"status": "PENDING"}, job=job))
    _refresh(engine)

    return jobs


def _do(engine: Engine, work: Callable[[Connection], object]) -> None:
    with engine.connect() as connection:
        work(connection)


def _refresh(engine: Engine, account: str | None = None) -> bool:
    with engine.connect() as connection:
        return refresh(connection, account_id=account, grace=HOUR, at=LATER)


def _claim(engine: Engine, account: str | None = None) -> list[Watch]:
    with engine.connect() as connection:
        return claim(
            connection, account_id=account, due_by=LATER, leased_until=LATER + HOUR, limit=10
        )


def _ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(watches.c.job_id).order_by("job_id")).scalars())


def test_what_nobody_needs_hides_nothing_that_is_due(engine: Engine) -> None:
    """However many jobs have ended since the watches were refreshed, those that haven't come."""
    *ended, due = _watched(engine, 13)
    with engine.connect() as connection:
        connection.execute(
            text("UPDATE transcriptions SET status = 'FAILED' WHERE id <> :due"), {"due": due}
        )
        connection.execute(
            text("UPDATE watches SET due_at = due_at + interval '1 min' WHERE job_id = :due"),
            {"due": due},
        )
    assert [each.job["id"] for each in _claim(engine)] == [due]
    assert _ids(engine) == [*ended, due]


def test_jobs_that_are_gone_are_watched_no_more(engine: Engine) -> None:
    """Refreshing forgets the watches of jobs that were removed, or that are over."""
    removed, over, unfinished = _watched(engine, 3)
    remove_job(engine, removed)
    record(engine, make_event({"status": "FAILED"}, job=over))
    _refresh(engine)
    assert _ids(engine) == [unfinished]


def test_what_was_asked_before_the_need_changed_does_not_count(engine: Engine) -> None:
    """A job that was asked about thirteen times while it ran has its first chance when it ended."""
    [job] = _watched(engine, 1)
    with engine.connect() as connection:
        connection.execute(text("UPDATE watches SET attempts = 13, unknown = 4"))
    [same] = _claim(engine)
    assert (same.reason, same.attempts, same.unknown) == (PollReason.STATUS, 13, 4)
    record(engine, make_event({"status": "COMPLETED", "conversation_id": "conv"}, job=job))
    with engine.connect() as connection:
        connection.execute(text("UPDATE watches SET due_at = :at"), {"at": START})
    [other] = _claim(engine)
    assert (other.reason, other.attempts, other.unknown) == (PollReason.TRANSCRIPT, 0, 0)


def test_a_claimed_watch_is_written_down_as_it_is_settled(engine: Engine) -> None:
    """The next claim sees the counts; what was given up nobody claims."""
    _watched(engine, 1)
    [mine] = _claim(engine)
    settled = Watch(
        job=mine.job, reason=mine.reason, attempts=3, unknown=2, leased_until=mine.leased_until
    )
    _do(engine, lambda connection: reschedule(connection, settled, START))
    [again] = _claim(engine)
    assert (again.attempts, again.unknown) == (3, 2)
    _do(engine, lambda connection: give_up(connection, again, GiveUpReason.UNKNOWN_AT_TWILIO))
    assert _claim(engine) == []


def test_another_accounts_watches_are_claimed_by_nobody(engine: Engine) -> None:
    """Once the account is another, they go: Twilio would say that it knows no such job."""
    jobs = _watched(engine, 2)
    assert _claim(engine, "AC_other") == []
    assert _ids(engine) == jobs
    _refresh(engine, "AC_other")
    assert _ids(engine) == []
    _refresh(engine, ACCOUNT)
    assert len(_claim(engine, ACCOUNT)) == 2


def test_no_statement_writes_more_than_it_can(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refreshing says that there may be more, until all that need a watch have one."""
    jobs = _watched(engine, 5)
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE watches"))
    monkeypatch.setattr(refreshing, "MAX_ROWS_PER_STATEMENT", 2)
    counts = []
    while _refresh(engine):
        counts.append(len(_ids(engine)))
    assert (counts, _ids(engine)) == ([2, 4], jobs)
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE transcriptions"))
    assert _refresh(engine)
    assert len(_ids(engine)) == 3


def test_what_was_given_up_is_not_watched_anew(engine: Engine) -> None:
    """Refreshing finds it watched, until it needs something else."""
    [job] = _watched(engine, 1)
    [mine] = _claim(engine)
    _do(engine, lambda connection: give_up(connection, mine, GiveUpReason.UNKNOWN_AT_TWILIO))
    _refresh(engine)
    assert (_claim(engine), _ids(engine)) == ([], [job])
    record(engine, make_event({"status": "COMPLETED", "conversation_id": "conv"}, job=job))
    _refresh(engine)
    assert [each.reason for each in _claim(engine)] == [PollReason.TRANSCRIPT]


def test_a_gap_that_tells_no_configuration_is_asked_about(engine: Engine) -> None:
    """Its transcript may be in a conversation; one that has its transcript isn't asked about."""
    record(engine, make_event({"status": "COMPLETED"}, job="gap"))
    record(engine, make_event({"status": "COMPLETED", "sentences": 1}, job="here"))
    record(engine, make_event({"status": "COMPLETED", "resolved_configuration": {}}, job="told"))
    _refresh(engine)
    assert [(each.job["id"], each.reason) for each in _claim(engine)] == [
        ("gap", PollReason.CONVERSATION)
    ]
