"""The route of the feed of changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from receiver.changes import cursor as cursors
from receiver.changes.cursor import Cursor
from receiver.changes.feed import Page, read_end, read_page
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit, step_aside
from receiver.web.arguments import parse_arguments
from receiver.web.auth import require_api_key, visible_account
from receiver.web.database import query
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_job
from receiver.web.problems import unavailable
from receiver.web.responses import make_conditional, render
from schemas.changes import ChangeList
from schemas.parameters import DEFAULT_PAGE_SIZE
from schemas.query import ChangesQuery

blueprint = Blueprint("changes", __name__)
blueprint.before_request(require_api_key)
blueprint.before_request(lambda: admit(services().limits.requests))

_NOW = "now"
# Of the request's deadline, for the page after a wait.
_RESERVED_SECONDS = 1.5

_QUERY, _LIST = ChangesQuery(), ChangeList()


@blueprint.get("/v3/Changes")
def list_changes() -> Response:
    """List the jobs that changed after the cursor, each in its newest state."""
    arguments = parse_arguments(_QUERY)
    given, wait_seconds = arguments.get("cursor"), arguments.get("wait", 0)
    cursor = cursors.decode(given) if given and given != _NOW else None
    if given == _NOW:
        page = query(read_end)
    elif wait_seconds and cursor and _is_current(cursor):
        page = Page(cursor=cursor)
    else:
        page = _read(cursor, arguments)
    if wait_seconds:
        page = _wait(page, wait_seconds, arguments)
        # Many clients may be called together, or have begun to wait together.
        services().limits.pacer.pause_if_due()

    return _render(page)


def _is_current(cursor: Cursor) -> bool:
    """Return whether the last look for other clients, a second ago, found nothing after it."""
    return cursor.until is None and services().changes.has_seen(cursor.history, cursor.since)


def _read(cursor: Cursor | None, arguments: Mapping[str, Any]) -> Page:
    size = arguments.get("page_size", DEFAULT_PAGE_SIZE)

    return query(read_page, cursor, size=size, account_id=visible_account())


def _wait(page: Page, seconds: int, arguments: Mapping[str, Any]) -> Page:
    """Return the page, or the next one that isn't empty if there is one within these seconds.

    A request that waits takes no place from other readers, and no connection.
    """
    left = request_deadline(request.environ).remaining()
    deadline = Deadline(min(seconds, left - _RESERVED_SECONDS))
    while not page.rows and not page.more:
        is_called = False
        try:
            with step_aside(_RESERVED_SECONDS):
                is_called = services().changes.wait(
                    page.cursor.since, visible_account(), deadline.remaining()
                )
        except TooBusyError:
            # Many clients were called together. Nothing is lost: this one asks again.
            return replace(page, more=is_called)
        if not is_called:
            break
        page = _read(page.cursor, arguments)

    return page


def _render(page: Page) -> Response:
    jobs = add_explanations(page.rows)
    changes = [describe_job(job) | {"erased": job["erased_at"] and True} for job in jobs]
    meta = {
        "key": "changes",
        "page_size": len(changes),
        "next_cursor": cursors.encode(page.cursor),
        "more": page.more,
    }

    return make_conditional(render(_LIST, changes=changes, meta=meta))


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database is unavailable; /readyz may say why. Try again.")
