"""The queue of jobs to poll. A watch is a job's entry in the queue, a row of the table `watches`.

A process claims the watches that are due, polls their jobs, and reschedules the watches. A claim
moves the due time of a watch to the end of a lease. So no other process claims it before that, and
if the claiming process dies, the watch becomes due again by itself.
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

from receiver.store.jobs.account import of_account
from receiver.store.jobs.read import READ_JOB_COLUMNS, Row
from receiver.store.polls.reasons import POLL_REASON, PollReason
from receiver.store.tables import transcriptions, watches

_job = transcriptions.c
_watch = watches.c

# No job ends within this time.
MIN_POLL_DELAY = timedelta(seconds=10)
# More than any pause between two polls of a job.
MAX_POLL_DELAY = timedelta(hours=12)


class GiveUpReason(enum.StrEnum):
    """Why a job is not polled any more."""

    UNKNOWN_AT_TWILIO = "unknown_at_twilio"
    NOT_THERE_IN_TIME = "not_there_in_time"  # what it was polled for has never appeared


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A claimed watch."""

    job: Row  # as it was when the watch was claimed
    reason: PollReason
    attempts: int  # how many polls for this reason had no result
    unknown: int  # how many times in a row Twilio didn't know the job
    leased_until: datetime  # the row has another due time if another process claimed it since


def claim(
    connection: Connection,
    *,
    account_id: str | None,
    due_by: datetime,
    leased_until: datetime,
    limit: int,
) -> list[Watch]:
    """Claim up to `limit` watches that are due at the time `due_by`, the longest due first.

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
        *READ_JOB_COLUMNS,
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
    """Return the condition that a watch's job exists, must be polled, and is the account's.

    None means any account.
    """
    job = select(_job.id).where(
        _job.id == _watch.job_id, POLL_REASON.is_not(None), *of_account(account_id)
    )

    return job.exists()


def reschedule(connection: Connection, watch: Watch, due_at: datetime) -> None:
    """Store the watch and make it due again; do nothing if another process has claimed it."""
    connection.execute(
        _update_claimed(watch).values(
            need=watch.reason.value, attempts=watch.attempts, unknown=watch.unknown, due_at=due_at
        )
    )


def give_up(connection: Connection, watch: Watch, reason: GiveUpReason) -> None:
    """Stop polling the job, until it must be polled for another PollReason."""
    connection.execute(_update_claimed(watch).values(due_at=None, gave_up=reason.value))


def release(connection: Connection, claimed: Sequence[Watch], due_at: datetime) -> None:
    """Give back claimed watches without a poll; they become due at the given time."""
    ids = [watch.job["id"] for watch in claimed]
    leases = {watch.leased_until for watch in claimed}
    connection.execute(
        update(watches)
        .where(_watch.job_id.in_(ids), _watch.due_at.in_(leases))
        .values(due_at=due_at)
    )


def next_due_at(connection: Connection) -> datetime | None:
    """Return when the next watch is due, None if there is none."""
    return connection.execute(select(func.min(_watch.due_at))).scalar()


def _update_claimed(watch: Watch) -> Update:
    """Return an update of the watch's row, if no other process has claimed it since."""
    return update(watches).where(
        _watch.job_id == watch.job["id"], _watch.due_at == watch.leased_until
    )
