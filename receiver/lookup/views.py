"""The routes of the read API: each needs an API key, or a signed link.

They write nothing but the audit, which has a row for each transcript and body that is read out.
"""

import re
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, g, request

from receiver.lookup import bodies, jobs, links, transcripts
from receiver.lookup.completeness import get_figures
from receiver.lookup.job_list import read_jobs
from receiver.lookup.paging import Collection
from receiver.services import services
from receiver.store.audit.access import Route
from receiver.store.jobs import read
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.arguments import parse_arguments, require_no_arguments
from receiver.web.auth import visible_account
from receiver.web.database import query, retry_later
from receiver.web.explanations import add_explanations
from receiver.web.job_view import describe_jobs, describe_operation, retry_headers
from receiver.web.problems import ProblemError
from receiver.web.responses import make_conditional, render
from schemas.completeness import Completeness
from schemas.link import Link, LinkedQuery
from schemas.listing import CallbackList, TranscriptionList
from schemas.query import PagedQuery, Query, TranscriptionsQuery, TranscriptQuery
from schemas.token import BIGINT_MAX, CallbacksToken, TranscriptionsToken
from schemas.transcript_files import EXTENSIONS, FILE_CONTENT_TYPES
from schemas.transcription import Operation

blueprint = Blueprint("lookup", __name__)
blueprint.before_request(links.require_key_or_link)
blueprint.before_request(lambda: admit(services().limits.requests))
blueprint.register_error_handler(DatabaseUnavailableError, retry_later)

_TRANSCRIPTIONS = Collection(
    key="transcriptions", query=TranscriptionsQuery(), token=TranscriptionsToken()
)
_CALLBACKS = Collection(key="callbacks", query=PagedQuery(), token=CallbacksToken())

# Created once: creating a schema takes longer than rendering a job with it.
_TRANSCRIPT_QUERY = TranscriptQuery()
_OPERATION, _COMPLETENESS, _LINK = Operation(), Completeness(), Link()
_FILE_QUERIES = {name: LinkedQuery() if name == "vtt" else Query() for name in EXTENSIONS}
_TRANSCRIPTION_LIST, _CALLBACK_LIST = TranscriptionList(), CallbackList()


@blueprint.get("/v3/Transcriptions")
def list_transcriptions() -> Response:
    """List the jobs, newest first."""
    page_request = _TRANSCRIPTIONS.parse_request()
    page = read_jobs(page_request.filters, page_request.span, account_id=visible_account())
    rows = describe_jobs(add_explanations(page.rows))

    meta = _TRANSCRIPTIONS.page_meta(page_request, page)

    return make_conditional(render(_TRANSCRIPTION_LIST, transcriptions=rows, meta=meta))


@blueprint.get("/v3/Transcriptions/<job_id>")
def fetch_transcription(job_id: str) -> Response:
    """Fetch one job, in the envelope of Twilio's operations."""
    require_no_arguments()
    [job] = add_explanations([jobs.get_job(job_id)])
    response = make_conditional(render(_OPERATION, **describe_operation(job)))
    response.headers.update(retry_headers(job))

    return response


@blueprint.get("/v3/Transcriptions/<job_id>/Transcript")
def fetch_transcript(job_id: str) -> Response:
    """Fetch a job's transcript in the format that Accept or `format` asks for."""
    requested = parse_arguments(_TRANSCRIPT_QUERY).get("format")
    format_name = transcripts.negotiate_format(requested)

    return transcripts.get_transcript(job_id, format_name, Route.TRANSCRIPT)


def _fetch_file(format_name: str, job_id: str) -> Response:
    """Fetch a job's transcript in the format of the path's extension."""
    parse_arguments(_FILE_QUERIES[format_name])
    content_type = FILE_CONTENT_TYPES[format_name]
    route = Route.LINK if "is_linked" in g else Route(f"Transcript.{EXTENSIONS[format_name]}")

    return transcripts.get_transcript(job_id, format_name, route, content_type=content_type)


for _name, _extension in EXTENSIONS.items():
    blueprint.add_url_rule(
        f"/v3/Transcriptions/<job_id>/Transcript.{_extension}",
        endpoint=f"fetch_transcript_{_extension}",
        view_func=partial(_fetch_file, _name),
    )


@blueprint.post("/v3/Transcriptions/<job_id>/Links")
def create_link(job_id: str) -> Response:
    """Make a link to a job's transcript as WebVTT that needs no API key for some minutes."""
    response = render(_LINK, **links.make_link(job_id))
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"

    return response


@blueprint.get("/v3/Transcriptions/<job_id>/Callbacks")
def list_callbacks(job_id: str) -> Response:
    """List the callbacks for a job, newest first; the job itself may be unknown."""
    jobs.require_valid_id(job_id)
    collection = replace(_CALLBACKS, parent=job_id)
    page_request = collection.parse_request()
    page = query(read.callbacks_page, job_id, page_request.span, account_id=visible_account())
    if not page.rows:
        jobs.get_job(job_id)

    meta = collection.page_meta(page_request, page)

    return make_conditional(render(_CALLBACK_LIST, callbacks=page.rows, meta=meta))


@blueprint.get("/v3/Transcriptions/<job_id>/Callbacks/<callback_id>/Body")
def fetch_body(job_id: str, callback_id: str) -> Response:
    """Fetch a callback's exact bytes. No browser may display them: they may be anything."""
    require_no_arguments()
    jobs.require_valid_id(job_id)

    return bodies.get_body(job_id, _parse_number(callback_id))


@blueprint.get("/v3/Completeness")
def fetch_completeness() -> Response:
    """Fetch how many transcripts Twilio should send, and how many are stored."""
    require_no_arguments()

    return make_conditional(render(_COMPLETENESS, **get_figures(visible_account())))


def _parse_number(callback_id: str) -> int:
    number = int(callback_id) if re.fullmatch("[0-9]{1,19}", callback_id) else 0
    if not 1 <= number <= BIGINT_MAX:
        raise ProblemError(404, "This is not a valid callback id.")

    return number


@blueprint.after_request
def _set_headers(response: Response) -> Response:
    if request.endpoint == "lookup.fetch_transcript":
        response.vary.add("Accept")
    if request.endpoint == links.LINKED:
        # The URL may have a token, which a page must not pass on to other sites.
        response.headers["Referrer-Policy"] = "no-referrer"

    return response
