"""Watching jobs of which Twilio has more to tell: which they are, and whose turn it is to ask.

A watch that is due is claimed by putting its due time off until a lease ends: nobody else sees it
meanwhile, and if whoever claimed it dies, it comes due by itself.
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
_w = watches.c

# No job is over sooner.
MIN_POLL_DELAY = timedelta(seconds=10)


class GaveUp(enum.StrEnum):
    """Why nobody asks any more."""

    UNKNOWN_AT_TWILIO = "unknown_at_twilio"
    NOT_THERE_IN_TIME = "not_there_in_time"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A claimed watch: the job as it is now, and how often it was asked for in vain.

    `unknown`: how often in a row Twilio knew nothing of the job. `leased_until` is what shows that
    the watch is still the claimant's.
    """

    job: Row
    need: PollReason
    attempts: int
    unknown: int
    leased_until: datetime


def claim(
    connection: Connection,
    *,
    account_id: str | None,
    due_by: datetime,
    leased_until: datetime,
    limit: int,
) -> list[Watch]:
    """Claim some of the watches that are due, the longest due first, of one account if it is known.

    What was asked for in vain before the job needed something else doesn't count.
    """
    due = (
        select(_w.job_id)
        .where(_w.due_at <= due_by, is_needed(account_id))
        .order_by(_w.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(watches)
        .where(_w.job_id == due.c.job_id)
        .values(due_at=leased_until)
        .returning(_w.job_id, _w.need, _w.attempts, _w.unknown)
        .cte("claimed")
    )
    is_same = claimed.c.need == POLL_REASON
    statement = select(
        *JOB_COLUMNS,
        POLL_REASON.label("need"),
        case((is_same, claimed.c.attempts), else_=0).label("attempts"),
        case((is_same, claimed.c.unknown), else_=0).label("unknown"),
    ).join(claimed, claimed.c.job_id == _job.id)
    rows = connection.execute(statement).mappings()

    return [
        Watch(
            job=dict(row),
            need=PollReason(row["need"]),
            attempts=row["attempts"],
            unknown=row["unknown"],
            leased_until=leased_until,
        )
        for row in rows
    ]


def is_needed(account_id: str | None) -> ColumnElement[bool]:
    """Tell of a watch whether its job is there, is ours to ask about, and needs anything still."""
    job = select(_job.id).where(
        _job.id == _w.job_id, POLL_REASON.is_not(None), *of_account(account_id)
    )

    return job.exists()


def of_account(account_id: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a job is the account's, none if that isn't known."""
    return [] if account_id is None else [_job.account_id == account_id]


def poll_reason(connection: Connection, job_id: str) -> tuple[PollReason, datetime] | None:
    """Return what the job needs now, and when it was over if it is; None: it needs nothing."""
    statement = select(POLL_REASON, ended_at).where(_job.id == job_id, POLL_REASON.is_not(None))
    row = connection.execute(statement).one_or_none()

    return None if row is None else (PollReason(row[0]), row[1])


def is_alone(connection: Connection, job: Row) -> bool:
    """Tell whether no other job that we know of is stored in the job's conversation."""
    others = select(_job.id).where(
        _job.conversation_id == job["conversation_id"], _job.id != job["id"]
    )

    return connection.execute(others.limit(1)).scalar() is None


def reschedule(connection: Connection, watch: Watch, due_at: datetime) -> None:
    """Write down how it is now, and let it come due again; if somebody else has it, leave it."""
    connection.execute(
        _own(watch).values(
            need=watch.need.value, attempts=watch.attempts, unknown=watch.unknown, due_at=due_at
        )
    )


def give_up(connection: Connection, watch: Watch, why: GaveUp) -> None:
    """Let nobody ask any more, until the job needs something else."""
    connection.execute(_own(watch).values(due_at=None, gave_up=why.value))


def release(connection: Connection, watches_: Sequence[Watch], due_at: datetime) -> None:
    """Let those that were claimed and not asked about come due at the given time."""
    ids = [watch.job["id"] for watch in watches_]
    leases = {watch.leased_until for watch in watches_}
    connection.execute(
        update(watches).where(_w.job_id.in_(ids), _w.due_at.in_(leases)).values(due_at=due_at)
    )


def next_due(connection: Connection) -> datetime | None:
    """Return when the next watch comes due."""
    return connection.execute(select(func.min(_w.due_at))).scalar()


def _own(watch: Watch) -> Update:
    return update(watches).where(_w.job_id == watch.job["id"], _w.due_at == watch.leased_until)
