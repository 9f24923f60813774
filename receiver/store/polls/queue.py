"""The queue of jobs to poll, in the table `watches`: claimed when due, then rescheduled.

A claim moves the due time of a watch to the end of a lease. So no other process claims it before
that, and if the claiming process dies, the watch becomes due again by itself.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    case,
    func,
    select,
    update,
)

from receiver.store.jobs.gaps import ended_at
from receiver.store.jobs.read import JOB_COLUMNS, Row
from receiver.store.polls.reasons import POLL_REASON, PollReason
from receiver.store.tables import transcriptions, watches

_job = transcriptions.c
_watch = watches.c

# No job ends within this time.
MIN_POLL_DELAY = timedelta(seconds=10)


class GaveUp(enum.StrEnum):
    """Why a job is not polled any more."""

    UNKNOWN_AT_TWILIO = "unknown_at_twilio"
    NOT_THERE_IN_TIME = "not_there_in_time"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A claimed watch, with the job's current row.

    `leased_until` shows whether the watch still belongs to the process that claimed it.
    """

    job: Row
    reason: PollReason
    attempts: int  # how many polls for this reason had no result
    unknown: int  # how many times in a row Twilio didn't know the job
    leased_until: datetime


def claim(
    connection: Connection,
    *,
    account_id: str | None,
    due_by: datetime,
    leased_until: datetime,
    limit: int,
) -> list[Watch]:
    """Claim up to `limit` watches that are due, the longest due first.

    `account_id` limits them to one account; None means all accounts. If a job's reason has changed,
    its counts begin at 0 again.
    """
    due = (
        select(_watch.job_id)
        .where(_watch.due_at <= due_by, is_needed(account_id))
        .order_by(_watch.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(watches)
        .where(_watch.job_id == due.c.job_id)
        .values(due_at=leased_until)
        .returning(_watch.job_id, _watch.need, _watch.attempts, _watch.unknown)
        .cte("claimed")
    )
    is_same_reason = claimed.c.need == POLL_REASON
    statement = select(
        *JOB_COLUMNS,
        POLL_REASON.label("reason"),
        case((is_same_reason, claimed.c.attempts), else_=0).label("attempts"),
        case((is_same_reason, claimed.c.unknown), else_=0).label("unknown"),
    ).join(claimed, claimed.c.job_id == _job.id)
    rows = connection.execute(statement).mappings()

    return [
        Watch(
            job=dict(row),
            reason=PollReason(row["reason"]),
            attempts=row["attempts"],
            unknown=row["unknown"],
            leased_until=leased_until,
        )
        for row in rows
    ]


def is_needed(account_id: str | None) -> ColumnElement[bool]:
    """Return the condition that a watch's job exists, is the account's, and must be polled."""
    job = select(_job.id).where(
        _job.id == _watch.job_id, POLL_REASON.is_not(None), *of_account(account_id)
    )

    return job.exists()


def of_account(account_id: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a job is the account's; no condition if the account is None."""
    return [] if account_id is None else [_job.account_id == account_id]


def poll_reason(connection: Connection, job_id: str) -> tuple[PollReason, datetime] | None:
    """Return why the job must be polled now, and when it ended; None if it must not be polled.

    For an unfinished job, the time is when it was first seen.
    """
    statement = select(POLL_REASON, ended_at).where(_job.id == job_id, POLL_REASON.is_not(None))
    row = connection.execute(statement).one_or_none()

    return None if row is None else (PollReason(row[0]), row[1])


def is_alone(connection: Connection, job: Row) -> bool:
    """Return whether no other known job is stored in the job's conversation."""
    others = select(_job.id).where(
        _job.conversation_id == job["conversation_id"], _job.id != job["id"]
    )

    return connection.execute(others.limit(1)).scalar() is None


def reschedule(connection: Connection, watch: Watch, due_at: datetime) -> None:
    """Store the watch and make it due again; nothing happens if another process has claimed it."""
    connection.execute(
        _own(watch).values(
            need=watch.reason.value, attempts=watch.attempts, unknown=watch.unknown, due_at=due_at
        )
    )


def give_up(connection: Connection, watch: Watch, why: GaveUp) -> None:
    """Stop polling the job, until it must be polled for another reason."""
    connection.execute(_own(watch).values(due_at=None, gave_up=why.value))


def release(connection: Connection, claimed: Sequence[Watch], due_at: datetime) -> None:
    """Make watches that were claimed but not polled due at the given time."""
    ids = [watch.job["id"] for watch in claimed]
    leases = {watch.leased_until for watch in claimed}
    connection.execute(
        update(watches)
        .where(_watch.job_id.in_(ids), _watch.due_at.in_(leases))
        .values(due_at=due_at)
    )


def next_due(connection: Connection) -> datetime | None:
    """Return when the next watch is due, None if there is none."""
    return connection.execute(select(func.min(_watch.due_at))).scalar()


def _own(watch: Watch) -> Update:
    return update(watches).where(
        _watch.job_id == watch.job["id"], _watch.due_at == watch.leased_until
    )
