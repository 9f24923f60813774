"""Reads a page of the feed of changes, and where it continues."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from receiver.changes.cursor import Cursor
from receiver.store.changes.read import MAX_SCANNED_JOBS, Sweep, read_changes
from receiver.store.changes.snapshot import BEGINNING
from receiver.store.changes.state import State, read_state
from receiver.store.jobs.read import Row
from receiver.web.problems import RETRY_AFTER_SECONDS, ProblemError


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some changes, and the cursor after them; `more` if there may be more at once."""

    cursor: Cursor
    more: bool = False
    rows: Sequence[Row] = field(default=())


def read_end(connection: Connection) -> Page:
    """Return an empty page whose cursor continues with what changes from now on."""
    state = read_state(connection)

    return Page(cursor=Cursor(history=_require_history(state), since=state.since(BEGINNING)))


def read_page(
    connection: Connection,
    cursor: Cursor | None,
    *,
    size: int,
    account_id: str | None,
    max_scanned: int = MAX_SCANNED_JOBS,
) -> Page:
    """Return the page after the cursor, from the beginning if it is None.

    The snapshot is read before the changes. So a job that changes in between is part of the next
    sweep, whatever this page shows of it.

    Raises ProblemError: 410 for a cursor of another history, 503 if the database has none.
    """
    state = read_state(connection)
    history = _require_history(state)
    cursor = cursor or Cursor(history=history, since=BEGINNING)
    if cursor.history != history or cursor.since.end > state.snapshot.end:
        raise ProblemError(
            410,
            "The cursor is of another history of the database: it was restored, moved or failed "
            "over. Start anew without a cursor; jobs that were sent before are sent again.",
        )
    now = state.since(cursor.since)
    sweep = Sweep(since=cursor.since, until=cursor.until or now, after=cursor.after)
    if sweep.until.end < sweep.since.end:  # too many transactions are in progress
        return Page(cursor=cursor)
    changes = read_changes(
        connection, sweep, size=size, account_id=account_id, max_scanned=max_scanned
    )
    if changes.after is None:
        following = Cursor(history=history, since=sweep.until)
    else:
        following = replace(cursor, until=sweep.until, after=changes.after)

    return Page(
        cursor=following,
        more=changes.after is not None or sweep.until != now,
        rows=changes.rows,
    )


def _require_history(state: State) -> str:
    if state.history is None:
        raise _unavailable("The database is a standby, which can't list changes.")
    if state.has_foreign_ids:
        raise _unavailable(
            "The jobs were restored from another cluster, so their changes have no order yet. The "
            "operator has to run `flask --app app changes repair`."
        )

    return state.history


def _unavailable(detail: str) -> ProblemError:
    return ProblemError(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
