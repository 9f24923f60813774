"""Responds with one transcript, in the requested format, from the body of its callback."""

from hashlib import sha256

from flask import Response, request

from receiver.lookup import jobs
from receiver.lookup.formats import FORMATS, RENDERER_VERSION
from receiver.lookup.negotiate import NotAcceptableError, choose_format
from receiver.lookup.renderings import confirm_read, get_rendered
from receiver.services import services
from receiver.store.audit.access import Route
from receiver.web.audit import describe_access
from receiver.web.problems import ProblemError
from receiver.web.responses import not_modified, send
from schemas.transcript_files import EXTENSIONS


def negotiate_format(requested: str | None) -> str:
    """Return the name of the format to respond with; raises ProblemError 406."""
    try:
        return choose_format(request.headers.get("Accept"), requested)
    except NotAcceptableError as error:
        raise ProblemError(406, str(error)) from None


def get_transcript(
    job_id: str, format_name: str, route: Route, *, content_type: str | None = None
) -> Response:
    """Return the job's transcript in the named format; raises ProblemError 404 with the reason.

    `route` is what the audit calls the request's route, and `content_type` another name of the
    format's type. Each response, also a 304, has its own row in the audit.

    If the worker has read this transcript before, the job isn't looked up again: the statement that
    audits the read checks whether the transcript is still the job's.
    """
    jobs.require_valid_id(job_id)
    digests = services().limits.digests
    digest = digests.get(job_id)
    response = None
    if digest is not None:
        response = _respond(job_id, digest, format_name, route, content_type)
    while response is None:
        job = jobs.get_job(job_id)
        if job["transcript_sha256"] in {None, digest}:
            raise jobs.no_transcript(job)
        digest = job["transcript_sha256"]
        digests.put(job_id, digest)
        response = _respond(job_id, digest, format_name, route, content_type)

    return response


def _respond(
    job_id: str, digest: bytes, format_name: str, route: Route, content_type: str | None
) -> Response | None:
    """Return the response; None if the job's transcript has another digest, or was erased."""
    tag = sha256(digest + f"{format_name} {RENDERER_VERSION}".encode()).hexdigest()
    if response := not_modified(tag):
        access = describe_access(route, format_name, status=304)
        return response if confirm_read(job_id, digest, access) else None
    access = describe_access(route, format_name, status=200)
    transcript = get_rendered(job_id, digest, tag, access)
    if transcript is None:
        return None
    response = Response(content_type=content_type or FORMATS[format_name].content_type)
    file_name = f"{job_id}.{EXTENSIONS[format_name]}"
    response.headers["Content-Disposition"] = f'inline; filename="{file_name}"'

    return send(response, transcript)
