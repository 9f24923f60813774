"""One transcript: in the format that is asked for, read from the body that brought it."""

import logging
from hashlib import sha256

from flask import Response, request

from receiver.lookup import jobs
from receiver.lookup.formats import FORMATS, RENDERER_VERSION
from receiver.lookup.negotiate import NotAcceptableError, choose
from receiver.store.jobs import read
from receiver.web.job_view import job_url
from receiver.web.problems import ProblemError
from receiver.web.query import query
from receiver.web.responses import not_modified, with_tag
from schemas.callback import UndecodableError, decode

logger = logging.getLogger(__name__)


def negotiated(requested: str | None) -> str:
    """Return the name of the format to answer with; raises Problem 406."""
    try:
        return choose(request.headers.get("Accept"), requested)
    except NotAcceptableError as error:
        raise ProblemError(406, str(error)) from None


def transcript(job_id: str, name: str) -> Response:
    """Return the job's transcript in the named format; raises Problem 404, which says why.

    The body is read only for a client that doesn't hold the answer yet.
    """
    job = jobs.found(job_id)
    digest: bytes | None = job["transcript_sha256"]
    if digest is None:
        raise jobs.without_transcript(job)
    tag = sha256(digest + f"{name} {RENDERER_VERSION}".encode()).hexdigest()
    if response := not_modified(tag):
        return response
    body = query(read.transcript_body, digest)
    if body is None:
        raise jobs.without_transcript(job)

    return with_tag(_rendered(job_id, name, body), tag)


def _rendered(job_id: str, name: str, body: bytes) -> Response:
    """Return the body in the named format; raises Problem 500.

    It was decoded once, when it came; but how deeply a document may be nested is a matter of the
    Python that runs, and of how deep in its own calls it is.
    """
    form = FORMATS[name]
    try:
        return Response(form.render(decode(body)), content_type=form.content_type)
    except (UndecodableError, RecursionError) as error:
        logger.error(  # noqa: TRY400 - a traceback tells no more
            "transcript not readable: %s", type(error).__name__, extra={"job": job_id}
        )
        raise ProblemError(
            500,
            f"The body that brought the transcript of {job_id} can't be read here: "
            f"{job_url(job_id)}/Callbacks leads to its bytes.",
        ) from None
