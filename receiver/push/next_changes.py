"""Reads the changes that an endpoint gets next, each with the cursor after it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from receiver.changes import cursor as cursors
from receiver.changes import feed
from receiver.changes.cursor import Cursor, CursorError, Start, parse_start
from receiver.changes.feed import Page, is_current, read_page_of, resolve
from receiver.store.changes.state import read_state
from receiver.store.jobs.gaps import add_explanations
from receiver.store.jobs.read import Row

# A read costs as much as the rest of an attempt.
MAX_CHANGES = 20


class Change(NamedTuple):
    """A job that has changed, and the cursor after it in the feed of a history."""

    job: Row
    cursor: str
    history: str


class NextChanges(NamedTuple):
    """Some changes, in their order, and the cursor after them; none if there is none.

    A sweep of the feed has all changes that were committed before it began.
    """

    changes: Sequence[Change]
    cursor: str
    begins_sweep: bool
    ends_sweep: bool


def read_next(connection: Connection, cursor: str | None) -> NextChanges:
    """Return the changes after the cursor, or after the beginning of the feed if it is None.

    Raises CursorError, also for a cursor of another history, and FeedUnavailableError.
    """
    start, page = _read_until_rows(connection, parse_start(cursor))
    jobs = add_explanations(connection, page.rows)
    changes = [
        Change(job, cursors.encode(after), start.history)
        for job, after in zip(jobs, _cursors(start, page), strict=True)
    ]

    return NextChanges(
        changes,
        cursors.encode(page.cursor),
        begins_sweep=start.until is None,
        ends_sweep=page.cursor.until is None,
    )


def read_end_cursor(connection: Connection) -> str:
    """Return the cursor of what changes from now on; raises FeedUnavailableError."""
    return cursors.encode(resolve(Start.NOW, read_state(connection)))


def count_waiting(connection: Connection, cursor: str | None, *, limit: int) -> int:
    """Return how many changes `read_next` would return in the end; `limit` is the largest result.

    Raises FeedUnavailableError.
    """
    try:
        return feed.count_waiting(connection, parse_start(cursor), limit=limit)
    except CursorError:  # then all jobs are sent again
        return feed.count_waiting(connection, Start.BEGINNING, limit=limit)


def _read_until_rows(connection: Connection, start: Cursor | Start) -> tuple[Cursor, Page]:
    """Return the first page with changes, or the last one, and the cursor at which it starts."""
    while True:
        state = read_state(connection)
        start = resolve(start, state)
        if is_current(start, state):
            return start, Page(cursor=start)
        page = read_page_of(state, connection, start, size=MAX_CHANGES, account_id=None)
        if page.rows or not page.more:
            return start, page
        start = page.cursor


def _cursors(start: Cursor, page: Page) -> Iterator[Cursor]:
    """Yield the cursor after each change of the page."""
    until = page.cursor.until or page.cursor.since  # at the end of a sweep, it is the next `since`
    for row in page.rows[:-1]:
        yield replace(start, until=until, after=(int(row["writer"]), row["id"]))
    if page.rows:
        yield page.cursor
