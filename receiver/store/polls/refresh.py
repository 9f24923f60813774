"""Updates the watches: every job that must be polled gets one, and all others are deleted."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.jobs.account import of_account
from receiver.store.jobs.gaps import ENDED_AT
from receiver.store.polls.queue import MAX_POLL_DELAY, MIN_POLL_DELAY, is_needed
from receiver.store.polls.reasons import (
    CONDITIONS,
    IS_STORED_IN_CONVERSATION,
    IS_UNFINISHED,
    PollReason,
)
from receiver.store.tables import transcriptions, watches

_job = transcriptions.c
_watch = watches.c

# A statement must end long before its timeout.
MAX_ROWS_PER_STATEMENT = 10_000


def refresh(
    connection: Connection,
    *,
    account_id: str | None,
    grace: timedelta,
    at: datetime,
    max_rows: int = MAX_ROWS_PER_STATEMENT,
) -> bool:
    """Update the watches; return whether another call may have more to do.

    No statement writes more than `max_rows` rows, so one call may not be enough. `account_id`
    limits the jobs to one account; None means all accounts. `grace` is how long a callback may take
    after its job has ended.

    If the reason of a watch has changed, the watch starts again. A watch that was given up stays
    given up until its reason changes. A watch that is no longer needed is deleted if it is due at
    the given time. A watch that a wrong clock has made due in the far future is due now.
    """
    latest = at + grace + MAX_POLL_DELAY
    written = [_make_due(connection, at, latest, max_rows)]
    written += [
        _watch_jobs(connection, reason, account_id, grace, max_rows) for reason in PollReason
    ]
    written.append(_delete_unneeded(connection, account_id, at, max_rows))

    return max(written) == max_rows


def _make_due(connection: Connection, at: datetime, latest: datetime, max_rows: int) -> int:
    """Make the watches due that are due later than is possible; return their number."""
    late = select(_watch.job_id).where(_watch.due_at > latest).limit(max_rows)
    statement = update(watches).where(_watch.job_id.in_(late)).values(due_at=at)

    return connection.execute(statement).rowcount


def _watch_jobs(
    connection: Connection,
    reason: PollReason,
    account_id: str | None,
    grace: timedelta,
    max_rows: int,
) -> int:
    """Watch the jobs that must be polled for this reason and aren't yet; return their number."""
    due = case(
        (IS_UNFINISHED, _job.first_seen_at + MIN_POLL_DELAY),
        # For the other jobs, a callback within the grace time may contain what is needed.
        (
            and_(_job.conversation_id.is_(None), IS_STORED_IN_CONVERSATION),
            ENDED_AT + MIN_POLL_DELAY,
        ),
        else_=ENDED_AT + grace,
    )
    is_watched = (
        select(_watch.job_id).where(_watch.job_id == _job.id, _watch.need == reason.value).exists()
    )
    # Usually there are no unwatched jobs. With the limit in this query, Postgres would expect to
    # find some soon, and would look up the watches one by one instead of reading all of them
    # together.
    unwatched = (
        select(_job.id, literal(reason.value).label("need"), due.label("due_at"))
        .where(CONDITIONS[reason], ~is_watched, *of_account(account_id))
        .cte("unwatched")
        .prefix_with("MATERIALIZED")
    )
    # In a fixed order, so that two reconcilers don't deadlock.
    rows = select(unwatched).order_by(unwatched.c.id).limit(max_rows)
    given = insert(watches).from_select(["job_id", "need", "due_at"], rows)
    statement = given.on_conflict_do_update(
        index_elements=[_watch.job_id],
        set_={
            "need": given.excluded.need,
            "due_at": given.excluded.due_at,
            "attempts": 0,
            "unknown": 0,
            "gave_up": None,
        },
        where=_watch.need != given.excluded.need,
    )

    return connection.execute(statement.execution_options(preserve_rowcount=True)).rowcount


def _delete_unneeded(
    connection: Connection, account_id: str | None, at: datetime, max_rows: int
) -> int:
    unneeded = (
        select(_watch.job_id).where(_watch.due_at <= at, ~is_needed(account_id)).limit(max_rows)
    )
    statement = delete(watches).where(_watch.job_id.in_(unneeded), _watch.due_at <= at)

    return connection.execute(statement).rowcount
