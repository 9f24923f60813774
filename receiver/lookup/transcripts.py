"""Responds with one transcript, in the requested format, from the body of its callback."""

from hashlib import sha256

from flask import Response, request

from receiver.lookup import jobs
from receiver.lookup.formats import FORMATS, RENDERER_VERSION
from receiver.lookup.negotiate import NotAcceptableError, choose_format
from receiver.lookup.renderings import confirm_read, get_rendered
from receiver.store.audit.access import Route
from receiver.store.jobs.read import Row
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

    The body is read only if the client doesn't have the current transcript, and no recent request
    has rendered it.
    """
    job = jobs.get_job(job_id)
    while (digest := job["transcript_sha256"]) is not None:
        response = _respond(job, format_name, route, content_type)
        if response is not None:
            return response
        job = jobs.get_job(job_id)
        if job["transcript_sha256"] == digest:
            break

    raise jobs.no_transcript(job)


def _respond(job: Row, format_name: str, route: Route, content_type: str | None) -> Response | None:
    """Return the response; None if the transcript was replaced or erased since the job was read."""
    tag = sha256(
        job["transcript_sha256"] + f"{format_name} {RENDERER_VERSION}".encode()
    ).hexdigest()
    if response := not_modified(tag):
        access = describe_access(route, format_name, status=304)
        return response if confirm_read(job, access) else None
    transcript = get_rendered(job, tag, describe_access(route, format_name, status=200))
    if transcript is None:
        return None
    response = Response(content_type=content_type or FORMATS[format_name].content_type)
    file_name = f"{job['id']}.{EXTENSIONS[format_name]}"
    response.headers["Content-Disposition"] = f'inline; filename="{file_name}"'

    return send(response, transcript)
