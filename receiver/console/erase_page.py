"""Erases a job, with a reason, for a key with the scope `erase`."""

from flask import Response, g, request
from marshmallow import ValidationError

from receiver.console.page import go_to
from receiver.lookup.jobs import require_valid_id
from receiver.privacy.request import erase_for_request
from receiver.web.problems import ProblemError
from schemas.console import EraseForm

_FORM = EraseForm()


def erase(job_id: str) -> Response:
    """Erase the job and show its page; raises ProblemError 400, 403, 404, 409 or 503."""
    if "erase" not in g.api_key.scopes:
        raise ProblemError(403, f"The API key {g.api_key.name} may not erase: it lacks this scope.")
    require_valid_id(job_id)
    try:
        given = _FORM.load(request.form.to_dict())
    except ValidationError:
        raise ProblemError(
            400, "Nothing was erased: write a reason, and confirm that this is for good."
        ) from None
    erase_for_request(job_id, reason=given["reason"])

    return go_to(f"jobs/{job_id}")
