"""Reads a page of the list of jobs, in a bounded time if no index answers it."""

from collections.abc import Mapping
from typing import Any

from receiver.services import services
from receiver.store.jobs import read
from receiver.store.page import Page, Span
from receiver.store.statement_timeout import StatementTimeoutError
from receiver.web.database import query, query_bounded
from receiver.web.problems import ProblemError


def read_jobs(filters: Mapping[str, Any], span: Span, *, account_id: str | None) -> Page:
    """Return the page; raises ProblemError 422 if the filters exclude too many jobs."""
    if read.is_one_range(filters, account_id=account_id):
        return query(read.transcriptions_page, filters, span, account_id=account_id)
    seconds = services().limits.list_seconds
    try:
        return query_bounded(
            seconds, read.transcriptions_page, filters, span, account_id=account_id
        )
    except StatementTimeoutError:
        raise ProblemError(
            422,
            f"These filters exclude too many jobs: no page was found within {seconds:g} s. Limit "
            "the time with createdAfter and createdBefore, or use one of the other filters alone.",
        ) from None
