"""Responds with one transcript, in the requested format, from the body of its callback."""

import logging
from hashlib import sha256

from flask import Response, request

from receiver.lookup import jobs
from receiver.lookup.formats import FORMATS, RENDERER_VERSION
from receiver.lookup.negotiate import NotAcceptableError, choose_format
from receiver.runtime.reader_limits import RENDERING_WAIT_SECONDS
from receiver.services import services
from receiver.store.jobs import read
from receiver.store.jobs.read import Row
from receiver.web.compression import (
    MIN_BYTES,
    Representation,
    accepts_gzip,
    gzip_tag,
    represent,
)
from receiver.web.database import query
from receiver.web.job_view import job_url
from receiver.web.problems import ProblemError
from receiver.web.responses import not_modified, send
from schemas.callback import UndecodableError, decode
from schemas.transcript_files import EXTENSIONS

logger = logging.getLogger(__name__)


def negotiate_format(requested: str | None) -> str:
    """Return the name of the format to respond with; raises ProblemError 406."""
    try:
        return choose_format(request.headers.get("Accept"), requested)
    except NotAcceptableError as error:
        raise ProblemError(406, str(error)) from None


def get_transcript(job_id: str, format_name: str, *, content_type: str | None = None) -> Response:
    """Return the job's transcript in the named format; raises ProblemError 404 with the reason.

    `content_type` is another name of the format's type.

    The body is read only if the client doesn't have the current transcript, and no recent request
    has rendered it.
    """
    job = jobs.get_job(job_id)
    digest: bytes | None = job["transcript_sha256"]
    if digest is None:
        raise jobs.no_transcript(job)
    tag = sha256(digest + f"{format_name} {RENDERER_VERSION}".encode()).hexdigest()
    if response := not_modified(tag):
        return response
    response = Response(content_type=content_type or FORMATS[format_name].content_type)
    file_name = f"{job_id}.{EXTENSIONS[format_name]}"
    response.headers["Content-Disposition"] = f'inline; filename="{file_name}"'

    return send(response, _get_rendered(job, format_name, tag))


def _get_rendered(job: Row, format_name: str, tag: str) -> Representation:
    """Return the transcript in the named format: a recent rendering, or a new one.

    A worker renders one transcript at a time, so requests for the same one share one rendering for
    each encoding. Raises TooBusyError, or ProblemError 404 or 500.
    """
    limits = services().limits
    transcript = _get_kept(tag)
    if transcript is None:
        with limits.renderings.hold(RENDERING_WAIT_SECONDS):
            transcript = _get_kept(tag)
            if transcript is None:
                transcript = represent(_render(job, format_name), tag)
                limits.rendered.put(transcript.tag, transcript.data)
                return transcript
    # The body may have been erased since.
    if not query(read.has_transcript_body, job["transcript_sha256"]):
        raise jobs.no_transcript(job)

    return transcript


def _get_kept(tag: str) -> Representation | None:
    """Return a recent rendering in the encoding that the client gets, None if there is none."""
    rendered, is_compressed = services().limits.rendered, accepts_gzip()
    if is_compressed and (data := rendered.get(gzip_tag(tag))):
        return Representation(data, gzip_tag(tag), is_compressed=True)
    data = rendered.get(tag)
    if data is None or (is_compressed and len(data) > MIN_BYTES):
        return None

    return Representation(data, tag, is_compressed=False)


def _render(job: Row, format_name: str) -> bytes:
    """Render the transcript; raises ProblemError 404 or 500.

    The body was decoded when it was received. But the limit of nesting depends on the version of
    Python, and on the depth of its own calls.
    """
    body = query(read.transcript_body, job["transcript_sha256"])
    if body is None:
        raise jobs.no_transcript(job)
    try:
        return FORMATS[format_name].render(decode(body), services().limits.pacer.pause_if_due)
    except (UndecodableError, RecursionError) as error:
        logger.error(  # noqa: TRY400 - a traceback says no more
            "transcript not readable: %s", type(error).__name__, extra={"job": job["id"]}
        )
        raise ProblemError(
            500,
            f"The callback with the transcript of {job['id']} can't be decoded: "
            f"{job_url(job['id'])}/Callbacks has a link to its bytes.",
        ) from None
