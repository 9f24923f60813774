"""Responds with one transcript, in the requested format, from the body of its callback."""

import logging
from hashlib import sha256

from flask import Response, request

from receiver.lookup import jobs
from receiver.lookup.formats import FORMATS, RENDERER_VERSION
from receiver.lookup.negotiate import NotAcceptableError, choose_format
from receiver.store.jobs import read
from receiver.web.database import query
from receiver.web.job_view import job_url
from receiver.web.problems import ProblemError
from receiver.web.responses import not_modified, set_etag
from schemas.callback import UndecodableError, decode

logger = logging.getLogger(__name__)


def negotiate_format(requested: str | None) -> str:
    """Return the name of the format to respond with; raises ProblemError 406."""
    try:
        return choose_format(request.headers.get("Accept"), requested)
    except NotAcceptableError as error:
        raise ProblemError(406, str(error)) from None


def get_transcript(job_id: str, format_name: str) -> Response:
    """Return the job's transcript in the named format; raises ProblemError 404 with the reason.

    The body is read only for a client that doesn't have the current transcript.
    """
    job = jobs.get_job(job_id)
    digest: bytes | None = job["transcript_sha256"]
    if digest is None:
        raise jobs.no_transcript(job)
    tag = sha256(digest + f"{format_name} {RENDERER_VERSION}".encode()).hexdigest()
    if response := not_modified(tag):
        return response
    body = query(read.transcript_body, digest)
    if body is None:
        raise jobs.no_transcript(job)

    return set_etag(_render(job_id, format_name, body), tag)


def _render(job_id: str, format_name: str, body: bytes) -> Response:
    """Return the body in the named format; raises ProblemError 500.

    The body was decoded when it was received. But the limit of nesting depends on the version of
    Python, and on the depth of its own calls.
    """
    form = FORMATS[format_name]
    try:
        return Response(form.render(decode(body)), content_type=form.content_type)
    except (UndecodableError, RecursionError) as error:
        logger.error(  # noqa: TRY400 - a traceback says no more
            "transcript not readable: %s", type(error).__name__, extra={"job": job_id}
        )
        raise ProblemError(
            500,
            f"The callback with the transcript of {job_id} can't be decoded: "
            f"{job_url(job_id)}/Callbacks has a link to its bytes.",
        ) from None
