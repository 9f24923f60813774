"""Reads a request to submit a job: its key, its query and its body."""

import json
from typing import Any

from flask import request
from marshmallow import ValidationError

from receiver.submissions.idempotency_keys import KEY_RULE, is_idempotency_key, uuid7
from receiver.web.arguments import parse_arguments
from receiver.web.problems import ProblemError
from schemas.query import SubmissionQuery
from schemas.submission import Submission, format_faults, to_faults, twilio_code

_QUERY = SubmissionQuery()
_SUBMISSION = Submission()
_MAX_BODY_BYTES = 64 * 1024


def read_idempotency_key() -> str:
    """Return the client's key, or a new one; raises ProblemError 400."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return uuid7()
    if not is_idempotency_key(key):
        raise ProblemError(400, f"The Idempotency-Key {KEY_RULE}")

    return key


def is_check_requested() -> bool:
    """Return whether the query asks to check the mediaUrl first; raises ProblemError 400."""
    return bool(parse_arguments(_QUERY).get("check"))


def read_submission() -> dict[str, Any]:
    """Return the body as the schema loads it; raises ProblemError 400, 413 or 415."""
    # A page of another site can send any other type without asking the service first (CORS).
    if not request.is_json:
        raise ProblemError(415, "The body must be JSON: send Content-Type: application/json.")
    request.max_content_length = _MAX_BODY_BYTES
    try:
        document = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise ProblemError(400, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise ProblemError(400, "The body is not a JSON object.")
    try:
        submission: dict[str, Any] = _SUBMISSION.load(document)
    except ValidationError as error:
        raise invalid_request(to_faults(error)) from None

    return submission


def invalid_request(faults: list[dict[str, str]]) -> ProblemError:
    """Return a 400 that lists the faults, with Twilio's code."""
    return ProblemError(400, format_faults(faults), code=twilio_code(faults), errors=faults)
