"""What a request to submit a job asks for: its key, its query and its body."""

import json
from typing import Any

from flask import request
from marshmallow import ValidationError

from receiver.submissions.submit import KEY_RULE, is_idempotency_key, uuid7
from receiver.web.problems import ProblemError
from schemas.query import SubmissionQuery
from schemas.submission import Submission, format_faults, to_faults, twilio_code

_QUERY = SubmissionQuery()
_REQUEST = Submission()
_LARGEST = 64 * 1024  # bytes of a request's body


def idempotency_key() -> str:
    """Return the caller's key, else a new one; raises Problem 400."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return uuid7()
    if not is_idempotency_key(key):
        raise ProblemError(400, f"The Idempotency-Key {KEY_RULE}")

    return key


def is_to_be_checked() -> bool:
    """Tell whether the query asks for a look at the mediaUrl first; raises Problem 400."""
    try:
        given = _QUERY.read(list(request.args.items(multi=True)))
    except ValidationError as error:
        raise invalid(to_faults(error)) from None

    return bool(given.get("check"))


def wanted() -> dict[str, Any]:
    """Return what the body asks for; raises Problem 400 or 413."""
    request.max_content_length = _LARGEST
    try:
        document = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise ProblemError(400, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise ProblemError(400, "The body is not a JSON object.")
    try:
        loaded: dict[str, Any] = _REQUEST.load(document)
    except ValidationError as error:
        raise invalid(to_faults(error)) from None

    return loaded


def invalid(faults: list[dict[str, str]]) -> ProblemError:
    """Return the 400 that tells the faults, with Twilio's code."""
    return ProblemError(400, format_faults(faults), code=twilio_code(faults), errors=faults)
