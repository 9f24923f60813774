"""Reads a page of the feed of changes, and where it continues."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from receiver.changes.cursor import Cursor, CursorError, Start
from receiver.runtime.errors import SafeMessageError
from receiver.store.changes.read import MAX_SCANNED_JOBS, Sweep, count_changes, read_changes
from receiver.store.changes.snapshot import BEGINNING
from receiver.store.changes.state import State, read_state
from receiver.store.jobs.read import Row


class OtherHistoryError(CursorError):
    """The cursor means nothing in this database: it was restored, moved or failed over."""


class FeedUnavailableError(SafeMessageError):
    """The database can't list changes now. The message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some changes, and the cursor after them; `more` if there may be more at once."""

    cursor: Cursor
    more: bool = False
    rows: Sequence[Row] = field(default=())


def resolve(start: Cursor | Start, state: State) -> Cursor:
    """Return the cursor at which a consumer starts.

    Raises OtherHistoryError and FeedUnavailableError.
    """
    history = _require_history(state)
    if start is Start.BEGINNING:
        return Cursor(history=history, since=BEGINNING)
    if start is Start.NOW:
        return Cursor(history=history, since=state.since(BEGINNING))
    if start.history != history or start.since.end > state.snapshot.end:
        raise OtherHistoryError(
            "The cursor is of another history of the database: it was restored, moved or failed "
            "over. Start anew without a cursor; jobs that were sent before are sent again.",
        )

    return start


def is_current(cursor: Cursor, state: State) -> bool:
    """Return whether nothing has changed between the cursor and the state."""
    return cursor.until is None and state.since(cursor.since) == cursor.since


def may_be_later(start: Cursor | Start, state: State) -> bool:
    """Return whether the consumer may have seen a later state than this one."""
    if isinstance(start, Start):
        return False

    return start.history != state.history or not state.snapshot.covers(start.since)


def read_page(
    connection: Connection,
    start: Cursor | Start,
    *,
    size: int,
    account_id: str | None,
    max_scanned: int = MAX_SCANNED_JOBS,
) -> Page:
    """Return the page after the start; raises what `resolve` raises."""
    state = read_state(connection)
    cursor = resolve(start, state)
    if is_current(cursor, state):
        return Page(cursor=cursor)

    return read_page_of(
        state, connection, cursor, size=size, account_id=account_id, max_scanned=max_scanned
    )


def read_page_of(  # noqa: PLR0913 - all that a page depends on
    state: State,
    connection: Connection,
    cursor: Cursor,
    *,
    size: int,
    account_id: str | None,
    max_scanned: int = MAX_SCANNED_JOBS,
) -> Page:
    """Return the page after the cursor, of what was visible in a state that was read before.

    A job that has changed since then is part of the next sweep, whatever this page shows of it.
    """
    now = state.since(cursor.since)
    sweep = Sweep(since=cursor.since, until=cursor.until or now, after=cursor.after)
    if sweep.until.end < sweep.since.end:  # too many transactions are in progress
        return Page(cursor=cursor)
    changes = read_changes(
        connection, sweep, size=size, account_id=account_id, max_scanned=max_scanned
    )
    if changes.after is None:
        following = Cursor(history=cursor.history, since=sweep.until)
    else:
        following = replace(cursor, until=sweep.until, after=changes.after)

    return Page(
        cursor=following,
        more=changes.after is not None or sweep.until != now,
        rows=changes.rows,
    )


def count_waiting(connection: Connection, start: Cursor | Start, *, limit: int) -> int:
    """Return how many jobs a consumer that is at the start would get now; at most `limit`.

    Raises what `resolve` raises.
    """
    state = read_state(connection)
    cursor = resolve(start, state)
    sweeps = []
    if cursor.until:
        sweeps.append(Sweep(since=cursor.since, until=cursor.until, after=cursor.after))
    since = cursor.until or cursor.since
    now = state.since(since)
    if since.end <= now.end:  # else too many transactions are in progress
        sweeps.append(Sweep(since=since, until=now))

    return count_changes(connection, sweeps, limit=limit) if sweeps else 0


def _require_history(state: State) -> str:
    if state.history is None:
        raise FeedUnavailableError("The database is a standby, which can't list changes.")
    if state.has_foreign_ids:
        raise FeedUnavailableError(
            "The jobs were restored from another cluster, so their changes have no order yet. The "
            "operator has to run `flask --app app changes repair`."
        )

    return state.history
