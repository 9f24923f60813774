"""Refreshing the watches: each job that needs something has one, and no other job keeps its own."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, delete, literal, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.jobs.gaps import ended_at
from receiver.store.polls.queue import MIN_POLL_DELAY, is_needed, of_account
from receiver.store.polls.reasons import CONDITIONS, IS_TO_BE_STORED, IS_UNFINISHED, PollReason
from receiver.store.tables import transcriptions, watches

_job = transcriptions.c
_w = watches.c

# So many rows are written by one statement at most, which must end long before its timeout.
MAX_ROWS_PER_STATEMENT = 10_000


def refresh(
    connection: Connection, *, account_id: str | None, grace: timedelta, at: datetime
) -> bool:
    """Let the watches be those of the jobs that need one, of one account if it is known.

    A job whose need has changed is watched anew. One that was given up isn't, and its watch stays.
    What nobody needs any more goes when it is due at the given time. Returns whether there may be
    more to do, since no statement writes more than MOST rows.
    """
    written = [_watch(connection, need, account_id, grace) for need in PollReason]
    written.append(_forget(connection, account_id, at))

    return max(written) == MAX_ROWS_PER_STATEMENT


def _watch(
    connection: Connection, need: PollReason, account_id: str | None, grace: timedelta
) -> int:
    """Watch jobs that need this and aren't watched for it; return how many they were."""
    due = case(
        (IS_UNFINISHED, _job.first_seen_at + MIN_POLL_DELAY),
        # A callback would tell what is needed of the others.
        (and_(_job.conversation_id.is_(None), IS_TO_BE_STORED), ended_at + MIN_POLL_DELAY),
        else_=ended_at + grace,
    )
    is_watched = select(_w.job_id).where(_w.job_id == _job.id, _w.need == need.value).exists()
    # Mostly there is none; were the limit in here, the server would count on finding some soon,
    # and look up one watch after the other instead of going through all of them at once.
    unwatched = (
        select(_job.id, literal(need.value).label("need"), due.label("due_at"))
        .where(CONDITIONS[need], ~is_watched, *of_account(account_id))
        .cte("unwatched")
        .prefix_with("MATERIALIZED")
    )
    # In one order, so that two reconcilers don't wait for one another.
    found = select(unwatched).order_by(unwatched.c.id).limit(MAX_ROWS_PER_STATEMENT)
    given = insert(watches).from_select(["job_id", "need", "due_at"], found)
    statement = given.on_conflict_do_update(
        index_elements=[_w.job_id],
        set_={
            "need": given.excluded.need,
            "due_at": given.excluded.due_at,
            "attempts": 0,
            "unknown": 0,
            "gave_up": None,
        },
        where=_w.need != given.excluded.need,
    )

    return connection.execute(statement.execution_options(preserve_rowcount=True)).rowcount


def _forget(connection: Connection, account_id: str | None, at: datetime) -> int:
    unneeded = (
        select(_w.job_id)
        .where(_w.due_at <= at, ~is_needed(account_id))
        .limit(MAX_ROWS_PER_STATEMENT)
    )
    statement = delete(watches).where(_w.job_id.in_(unneeded), _w.due_at <= at)

    return connection.execute(statement).rowcount
