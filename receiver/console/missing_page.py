"""The missing transcripts, by what happened to their callbacks, with what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from flask import Response

from receiver.console.advice import STEPS, TITLES
from receiver.console.page import render
from receiver.console.summary import Summary
from receiver.lookup.paging import Collection
from receiver.services import services
from receiver.store.completeness.missing import gaps_page
from receiver.store.page import Page, Span
from receiver.store.statement_timeout import StatementTimeoutError
from receiver.web.auth import visible_account
from receiver.web.database import query_bounded
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_jobs
from receiver.web.problems import ProblemError
from schemas.parameters import MAX_PAGE_SIZE
from schemas.query import PagedQuery
from schemas.token import TranscriptionsToken

_GAPS = Collection(key="missing", query=PagedQuery(), token=TranscriptionsToken())


class Cause(NamedTuple):
    """The jobs of a page that lack their transcript for the same reason."""

    kind: str
    title: str
    reasons: list[str]
    step: str
    jobs: list[Mapping[str, Any]]


def show() -> Response:
    """Show a page of the missing transcripts, those of the newest jobs first."""
    page_request = _GAPS.parse_request()
    if page_request.span.cursor is None:
        page_request = replace(page_request, span=Span(size=MAX_PAGE_SIZE))
    page = _read(page_request.span)
    rows = describe_jobs(add_explanations(page.rows))
    summary = Summary(services().metrics.latest.get().figures, visible_account())

    return render(
        "missing.html",
        causes=_group(job for job in rows if "missing" in job["transcript"]),
        meta=_GAPS.page_meta(page_request, page),
        total=summary.number("transcripts", "receiver_transcripts_missing"),
        total_at=summary.computed_at("transcripts"),
    )


def _read(span: Span) -> Page:
    """Return a page of the gaps; raises ProblemError 422 if other accounts have too many."""
    ended_by = datetime.now(UTC) - timedelta(seconds=services().settings.reconcile_grace_seconds)
    try:
        return query_bounded(
            services().limits.list_seconds,
            gaps_page,
            span,
            ended_by=ended_by,
            account_id=visible_account(),
        )
    except StatementTimeoutError:
        raise ProblemError(
            422,
            "Too many transcripts are missing to find this page in time. The command "
            "`completeness` has no such limit.",
        ) from None


def _group(missing: Iterable[Mapping[str, Any]]) -> list[Cause]:
    """Return the causes, the most frequent first."""
    causes: dict[tuple[str, ...], Cause] = {}
    for job in missing:
        kind, reasons = job["transcript"]["missing"], job["transcript"]["reasons"]
        cause = causes.setdefault(
            (kind, *reasons), Cause(kind, TITLES[kind], reasons, STEPS[kind], [])
        )
        cause.jobs.append(job)

    return sorted(causes.values(), key=lambda cause: -len(cause.jobs))
