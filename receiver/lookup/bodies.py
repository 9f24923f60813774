"""Responds with the exact bytes of a callback."""

from flask import Response

from receiver.store.audit import texts
from receiver.store.audit.access import Route
from receiver.store.jobs import read
from receiver.web.audit import describe_access
from receiver.web.auth import visible_account
from receiver.web.compression import represent
from receiver.web.database import query
from receiver.web.problems import ProblemError
from receiver.web.responses import not_modified, send


def get_body(job_id: str, callback_id: int) -> Response:
    """Return the callback's bytes, or a 304; raises ProblemError 404.

    No browser may display them: they may be anything. Each response has its own row in the audit.
    The body is read only if the client doesn't have it.
    """
    account_id = visible_account()
    digest = query(read.callback_digest, job_id, callback_id, account_id=account_id)
    if digest is None:
        raise _no_body(job_id, callback_id)
    tag = digest.hex()
    if response := not_modified(tag):
        access = describe_access(Route.BODY, "bytes", status=304)
        if query(texts.confirm_callback, job_id, callback_id, account_id=account_id, access=access):
            return response
        raise _no_body(job_id, callback_id)
    access = describe_access(Route.BODY, "bytes", status=200)
    body = query(texts.read_callback, job_id, callback_id, account_id=account_id, access=access)
    if body is None:
        raise _no_body(job_id, callback_id)
    response = Response(content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{job_id}-{callback_id}"'

    return send(response, represent(body, tag))


def _no_body(job_id: str, callback_id: int) -> ProblemError:
    return ProblemError(
        404, f"{job_id} has no callback {callback_id}, or its body was erased or has expired."
    )
