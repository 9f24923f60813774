"""The routes of the read API: each needs an API key and writes nothing."""

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request

from receiver.lookup import jobs, transcripts
from receiver.lookup.paging import Collection
from receiver.services import services
from receiver.store.completeness.figures import completeness
from receiver.store.jobs import read
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.arguments import arguments
from receiver.web.auth import require_api_key
from receiver.web.job_view import described, enveloped
from receiver.web.problems import ProblemError, unavailable
from receiver.web.query import query
from receiver.web.responses import rendered, tagged
from schemas.completeness import Completeness
from schemas.listing import CallbackList, TranscriptionList
from schemas.query import PagedQuery, TranscriptionsQuery, TranscriptQuery
from schemas.token import BIGINT_MAX, CallbacksToken, TranscriptionsToken
from schemas.transcription import Operation

blueprint = Blueprint("lookup", __name__)
blueprint.before_request(require_api_key)

_TRANSCRIPTIONS = Collection(
    key="transcriptions", query=TranscriptionsQuery(), token=TranscriptionsToken()
)
_CALLBACKS = Collection(key="callbacks", query=PagedQuery(), token=CallbacksToken())

# Made once: making a schema takes longer than rendering a job with it.
_TRANSCRIPT_QUERY = TranscriptQuery()
_OPERATION, _COMPLETENESS = Operation(), Completeness()
_TRANSCRIPTION_LIST, _CALLBACK_LIST = TranscriptionList(), CallbackList()


@blueprint.get("/v3/Transcriptions")
def list_transcriptions() -> Response:
    """List the jobs, newest first."""
    place = _TRANSCRIPTIONS.place()
    page = query(read.transcriptions_page, place.filters, place.span)
    rows = [described(job) for job in jobs.explained(page.rows)]

    return rendered(
        _TRANSCRIPTION_LIST, transcriptions=rows, meta=_TRANSCRIPTIONS.meta(place, page)
    )


@blueprint.get("/v3/Transcriptions/<job_id>")
def fetch_transcription(job_id: str) -> Response:
    """Fetch one job, in the envelope of Twilio's operations."""
    [job] = jobs.explained([jobs.found(job_id)])
    response = tagged(rendered(_OPERATION, **enveloped(job)))
    response.headers.update(jobs.retry_after(job))

    return response


@blueprint.get("/v3/Transcriptions/<job_id>/Transcript")
def fetch_transcript(job_id: str) -> Response:
    """Fetch a job's transcript in the format that Accept or `format` asks for."""
    query = arguments(_TRANSCRIPT_QUERY)

    return transcripts.transcript(job_id, transcripts.negotiated(query.get("format")))


@blueprint.get("/v3/Transcriptions/<job_id>/Callbacks")
def list_callbacks(job_id: str) -> Response:
    """List what was received for a job, newest first; it may be all that is known of the job."""
    jobs.require_possible_id(job_id)
    collection = replace(_CALLBACKS, parent=job_id)
    place = collection.place()
    page = query(read.callbacks_page, job_id, place.span)
    if not page.rows:
        jobs.found(job_id)

    return rendered(_CALLBACK_LIST, callbacks=page.rows, meta=collection.meta(place, page))


@blueprint.get("/v3/Transcriptions/<job_id>/Callbacks/<callback_id>/Body")
def fetch_body(job_id: str, callback_id: str) -> Response:
    """Fetch the exact bytes of a callback. They are anybody's text, so no browser may show them."""
    jobs.require_possible_id(job_id)
    number = _number(callback_id)
    body = query(read.callback_body, job_id, number)
    if body is None:
        raise ProblemError(404, f"{job_id} has no callback {number} with a body (any more).")

    return Response(
        body,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{job_id}-{number}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@blueprint.get("/v3/Completeness")
def fetch_completeness() -> Response:
    """Tell how many transcripts were promised, and how many are here."""
    grace = timedelta(seconds=services().settings.reconcile_grace_seconds)
    over_by = datetime.now(UTC) - grace
    found = query(completeness, over_by)

    return rendered(_COMPLETENESS, **asdict(found))


def _number(callback_id: str) -> int:
    number = int(callback_id) if re.fullmatch("[0-9]{1,19}", callback_id) else 0
    if not 1 <= number <= BIGINT_MAX:
        raise ProblemError(404, "No callback has such an id.")

    return number


@blueprint.after_app_request
def _say_who_may_keep_it(response: Response) -> Response:
    """Let a client keep what it read and ask for news with its ETag; keep no error."""
    if request.path.startswith("/v3"):
        failed = response.status_code >= 400  # noqa: PLR2004 - HTTP's own number
        response.headers["Cache-Control"] = "no-store" if failed else "private, no-cache"
    if request.endpoint == "lookup.fetch_transcript":
        response.vary.add("Accept")

    return response


@blueprint.errorhandler(DatabaseUnavailableError)
def _try_again(_error: DatabaseUnavailableError) -> Response:
    return unavailable("The database did not answer as it should; /readyz may tell why. Ask again.")
