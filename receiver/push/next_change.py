"""Reads the change that an endpoint gets next. It is read when it is sent, so it is the newest."""

from typing import NamedTuple

from sqlalchemy import Connection

from receiver.changes import cursor as cursors
from receiver.changes.cursor import Cursor, Start
from receiver.changes.feed import Page, read_page, resolve
from receiver.runtime.errors import SafeMessageError
from receiver.store.changes.state import read_state
from receiver.store.jobs.gaps import explain_gaps
from receiver.store.jobs.read import Row
from receiver.web.problems import ProblemError
from receiver.web.transcript_state import lacks_transcript

_OF_ANOTHER_HISTORY = {400, 410}  # not readable by this release, or restored since


class OtherHistoryError(SafeMessageError):
    """The cursor means nothing in this database: it was restored, moved or failed over."""


class FeedUnavailableError(SafeMessageError):
    """The database can't list changes now. The message says why."""


class NextChange(NamedTuple):
    """A job that has changed, None if there is none, and the cursor after it."""

    job: Row | None
    cursor: str
    history: str


def read_next(connection: Connection, cursor: str | None) -> NextChange:
    """Return the change after the cursor, or after the beginning of the feed if it is None.

    Raises OtherHistoryError and FeedUnavailableError.
    """
    try:
        page = _read_until_row(
            connection, Start.BEGINNING if cursor is None else cursors.decode(cursor)
        )
    except ProblemError as problem:
        if problem.status in _OF_ANOTHER_HISTORY:
            raise OtherHistoryError(problem.detail) from None
        raise FeedUnavailableError(problem.detail) from None
    job = page.rows[0] if page.rows else None
    if job is not None and lacks_transcript(job):
        job = {**job, **explain_gaps(connection, [job["id"]]).get(job["id"], {})}

    return NextChange(job, cursors.encode(page.cursor), page.cursor.history)


def read_end_cursor(connection: Connection) -> str:
    """Return the cursor of what changes from now on; raises FeedUnavailableError."""
    try:
        return cursors.encode(resolve(Start.NOW, read_state(connection)))
    except ProblemError as problem:
        raise FeedUnavailableError(problem.detail) from None


def _read_until_row(connection: Connection, start: Cursor | Start) -> Page:
    page = read_page(connection, start, size=1, account_id=None)
    while page.more and not page.rows:
        page = read_page(connection, page.cursor, size=1, account_id=None)

    return page
