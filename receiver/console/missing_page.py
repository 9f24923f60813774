"""The missing transcripts, by what happened to their callbacks, with what to do."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import Response

from receiver.console.advice import STEPS, TITLES
from receiver.console.page import render
from receiver.console.summary import Summary
from receiver.lookup import jobs
from receiver.lookup.job_list import read_jobs
from receiver.lookup.paging import Collection, PageRequest
from receiver.services import services
from receiver.store.page import Span
from receiver.web.auth import visible_account
from receiver.web.job_view import describe_job
from schemas.parameters import MAX_PAGE_SIZE
from schemas.query import TranscriptionsQuery
from schemas.token import TranscriptionsToken

_JOBS = Collection(key="missing", query=TranscriptionsQuery(), token=TranscriptionsToken())
_FILTERS = {"status": "COMPLETED", "has_transcript": False}


class Cause(NamedTuple):
    """The jobs of a page that lack their transcript for the same reason."""

    kind: str
    title: str
    reasons: list[str]
    step: str
    jobs: list[Mapping[str, Any]]


def show() -> Response:
    """Show a page of the missing transcripts, those of the newest jobs first."""
    page_request = _JOBS.parse_request()
    if page_request.span.cursor is None:
        page_request = PageRequest(filters=_FILTERS, span=Span(size=MAX_PAGE_SIZE))
    page = read_jobs(_FILTERS, page_request.span, account_id=visible_account())
    rows = [describe_job(job) for job in jobs.add_explanations(page.rows)]
    summary = Summary(services().metrics.latest.get().figures, visible_account())

    return render(
        "missing.html",
        causes=_group(job for job in rows if "missing" in job["transcript"]),
        meta=_JOBS.page_meta(page_request, page),
        total=summary.number("transcripts", "receiver_transcripts_missing"),
        total_at=summary.computed_at("transcripts"),
    )


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
