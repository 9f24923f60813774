"""The overview: whether anything is wrong, the figures with their age, and the newest jobs."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, request

from receiver.console.chart import make_chart
from receiver.console.page import render
from receiver.console.summary import Summary
from receiver.console.tiles import make_tiles
from receiver.console.verdict import DatabaseState, find_problems
from receiver.lookup.job_list import read_jobs
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.services import services
from receiver.settings.urls import CALLBACK_PATH, public_origin
from receiver.store.page import Span
from receiver.store.rejected.read import newest_rejected
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_jobs

_NEWEST_JOBS = 5
# The figures must be shown even if a lock of another session stops every other query.
_NEWEST_SECONDS = 3.0


class _Newest(NamedTuple):
    """The newest jobs, and when the last request was rejected."""

    jobs: list[dict[str, Any]]
    rejected_at: datetime | None


_NOTHING = _Newest([], None)


def show() -> Response:
    """Show the overview; while the database is away, the last figures."""
    account_id, now = visible_account(), datetime.now(UTC)
    latest = services().metrics.latest.get()
    summary = Summary(latest.figures, account_id)
    read = _read_newest(account_id) if latest.is_up else _NOTHING
    is_writable = services().metrics.is_writable is not False
    # While readers wait on all connections, only their failures show that it doesn't respond.
    is_up = latest.is_up and (is_writable or read is not None)
    database = DatabaseState(is_up=is_up, is_writable=is_writable, shows_jobs=read is not None)
    findings = find_problems(
        summary,
        database,
        rejected_at=read.rejected_at if read else None,
        now=now,
    )
    origin = public_origin(request.environ, services().settings.public_url)

    return render(
        "overview.html",
        findings=findings,
        is_up=is_up,
        is_counted=summary.computed_at("transcripts") is not None,
        answered_at=latest.figures.read_at if latest.figures else None,
        tiles=make_tiles(summary, account_id),
        chart=make_chart(summary.group("hours"), now),
        chart_at=summary.computed_at("hours"),
        newest=read.jobs if read else [],
        callback_url=f"{origin}{CALLBACK_PATH}",
    )


def _read_newest(account_id: str | None) -> _Newest | None:
    """Return the newest jobs and when the last request was rejected; None if that takes too long.

    A key that is bound to an account doesn't see the rejected requests: none of them is proved.
    """
    try:
        with time_limit(_NEWEST_SECONDS):
            page = read_jobs({}, Span(size=_NEWEST_JOBS), account_id=account_id)
            rows = describe_jobs(add_explanations(page.rows))
            rejected = query(newest_rejected, limit=1) if account_id is None else ()
    except (DeadlineExceededError, DatabaseUnavailableError):
        return None

    return _Newest(rows, rejected[0].received_at if rejected else None)
