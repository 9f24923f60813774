"""The list of jobs, with the filters of the API."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from receiver.console.page import go_to, render
from receiver.lookup.job_list import read_jobs
from receiver.lookup.paging import Collection
from receiver.privacy.target import normalize_address
from receiver.web.auth import visible_account
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_jobs
from receiver.web.problems import ProblemError
from schemas.query import Filters, TranscriptionsQuery
from schemas.storable import STATUSES
from schemas.token import TranscriptionsToken

_JOBS = Collection(key="transcriptions", query=TranscriptionsQuery(), token=TranscriptionsToken())

_FIELDS = {field.data_key for field in Filters().fields.values()}
_FIRST_FILTERS = {"participantAddress", "status", "hasTranscript"}


def show() -> Response:
    """Show a page of the jobs; raises ProblemError if the filters exclude too many."""
    # Browsers send the empty fields of a form too, and the API has no empty filter.
    given = [
        (name, normalize_address(value) if name == "participantAddress" else value)
        for name, value in request.args.items(multi=True)
        if value.strip()
    ]
    if given != list(request.args.items(multi=True)):
        return go_to("jobs", **dict(given))
    try:
        page_request = _JOBS.parse_request()
    except ProblemError as error:
        return _render(dict(given), status=error.status, errors=_by_parameter(error))
    page = read_jobs(page_request.filters, page_request.span, account_id=visible_account())
    rows = describe_jobs(add_explanations(page.rows))
    filters = _to_parameters(page_request.filters)
    is_first = page_request.span.cursor is None

    return _render(filters, rows=rows, meta=_JOBS.page_meta(page_request, page), is_first=is_first)


def _render(filters: Mapping[str, str], **values: Any) -> Response:
    values = {"rows": [], "meta": {}, "errors": {}, "is_first": True, **values}

    return render(
        "jobs.html",
        filters=filters,
        fields=_FIELDS,
        more_filters=any(name in _FIELDS - _FIRST_FILTERS for name in filters),
        statuses=[(status, status.capitalize()) for status in STATUSES],
        **values,
    )


def _to_parameters(filters: Mapping[str, Any]) -> dict[str, str]:
    """Return the filters as the query writes them: a page token contains them too."""
    dumped = _JOBS.query.dump(filters)

    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in dumped.items()
    }


def _by_parameter(error: ProblemError) -> dict[str, str]:
    """Return the errors by the name of the parameter."""
    return {each["pointer"].lstrip("/"): each["detail"] for each in error.errors}
