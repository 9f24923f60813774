"""Problem documents (RFC 9457), in Twilio's form: the body of every error response."""

import logging
from collections.abc import Sequence
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from receiver.runtime.errors import ReceiverError, locate

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# Enough for a database to restart, and short enough for Twilio to retry at all.
RETRY_AFTER_SECONDS = 10

# Twilio's codes for these statuses (https://www.twilio.com/docs/api/errors). For any other status,
# Twilio's code is 20000 and the status.
_CODES = {400: 20001, 401: 20003, 403: 20006, 405: 20004, 429: 20429}
_TITLES = {
    400: "Invalid parameter",
    401: "Authentication failed",
    403: "Access denied",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Body too large",
    415: "Unsupported media type",
    421: "Misdirected request",
    422: "Not processable",
    429: "Too many requests",
    500: "Internal server error",
    501: "Not configured",
    502: "Bad gateway",
    503: "Service unavailable",
}


class ProblemError(ReceiverError):
    """An error response: an HTTP status, and a detail for the client.

    `errors` has a `{"detail": …, "pointer": …}` for each error in the input. `code` is Twilio's, if
    it differs from the code of the status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: int | None = None,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.errors = errors
        self.headers = headers or {}


def problem_document(
    status: int,
    detail: str,
    *,
    code: int | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """Return the problem document of an HTTP status."""
    code = code or _CODES.get(status, 20000 + status)
    members: dict[str, Any] = {
        "type": f"https://www.twilio.com/docs/api/errors/{code}",
        "title": _TITLES.get(status, "Request failed"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        members["errors"] = list(errors)

    return members


def problem(
    status: int,
    detail: str,
    *,
    code: int | None = None,
    errors: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Return the response with a problem document."""
    body = json.dumps(problem_document(status, detail, code=code, errors=errors))

    return Response(body, status, headers, content_type=MEDIA_TYPE)


def unavailable(detail: str) -> Response:
    """Return a 503 with the time after which to retry."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"}

    return problem(503, detail, headers=headers)


def register(app: Flask) -> None:
    """Make the application respond to every error with a problem document."""

    @app.errorhandler(ProblemError)
    def _from_problem(error: ProblemError) -> Response:
        return problem(
            error.status,
            error.detail,
            code=error.code,
            errors=error.errors,
            headers=error.headers,
        )

    @app.errorhandler(HTTPException)
    def _from_http(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}

        return problem(error.code or 500, error.description or "", headers=headers)

    @app.errorhandler(Exception)
    def _from_any(error: Exception) -> Response:
        # Flask would log the message and traceback, which may quote a transcript.
        logger.error("a request failed: %s", locate(error), extra={"endpoint": request.endpoint})

        return problem(500, "Internal error of this service; its log says where.")
