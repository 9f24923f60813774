"""Problem documents (RFC 9457), in Twilio's form: the body of every error response."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from receiver.runtime.errors import ReceiverError, locate
from receiver.runtime.request_id import current_request_id

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# Enough for a database to restart, and short enough for Twilio to retry at all.
RETRY_AFTER_SECONDS = 10
RETRY_HEADERS = {"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"}

# Twilio's codes for these statuses (https://www.twilio.com/docs/api/errors). For any other status,
# which has no page there, the code is 20000 and the status, and the type is that of RFC 9457.
_CODES = {
    400: 20001,
    401: 20003,
    403: 20006,
    404: 20404,
    405: 20004,
    409: 20409,
    410: 20410,
    412: 20412,
    413: 20413,
    422: 20422,
    429: 20429,
    500: 20500,
    503: 20503,
}
_NO_TYPE = "about:blank"

# Twilio's description of its API: a title and a detail have at least 16 characters. A detail has at
# most 1024.
_TITLES = {
    400: "Invalid parameter",
    401: "Authentication failed",
    403: "Permission denied",
    404: "Resource not found",
    405: "Method not allowed",
    406: "No acceptable format",
    409: "Conflicting request",
    410: "Resource no longer available",
    413: "Request body too large",
    415: "Unsupported media type",
    421: "Misdirected request",
    422: "Request not processable",
    429: "Too many requests",
    500: "Internal server error",
    501: "Service not configured",
    502: "Unusable response of Twilio",
    503: "Service unavailable",
}
_OTHER_TITLE = "The request failed"
_MAX_DETAIL_CHARACTERS = 1024

# Besides letters, digits and `-._~`, a URI's fragment may contain these (RFC 3986, 3.5).
_FRAGMENT_CHARACTERS = "/?:@!$&'()*+,;="


class ProblemError(ReceiverError):
    """An error response: an HTTP status, and a detail for the client.

    `errors` has a `{"detail": …, "pointer": …}` for each error in the input, with a JSON Pointer
    (RFC 6901). `code` is Twilio's, if it differs from the code of the status.
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
    """Return the problem document of an HTTP status; its pointers are URI fragments."""
    known_code = code or _CODES.get(status)
    members: dict[str, Any] = {
        "type": f"https://www.twilio.com/docs/api/errors/{known_code}" if known_code else _NO_TYPE,
        "title": title_of(status),
        "status": status,
        "code": known_code or 20000 + status,
        "detail": _shorten(detail),
    }
    if request_id := current_request_id():
        members["instance"] = request_id  # which is a relative reference
    if errors:
        members["errors"] = [
            {"detail": _shorten(error["detail"]), "pointer": _to_fragment(error["pointer"])}
            for error in errors
        ]

    return members


def title_of(status: int) -> str:
    """Return the title of an error with this HTTP status."""
    return _TITLES.get(status, _OTHER_TITLE)


def _shorten(detail: str) -> str:
    is_short = len(detail) <= _MAX_DETAIL_CHARACTERS

    return detail if is_short else f"{detail[: _MAX_DETAIL_CHARACTERS - 1]}…"


def _to_fragment(pointer: str) -> str:
    """Return a JSON Pointer as a URI fragment (RFC 6901, section 6)."""
    return f"#{quote(pointer, safe=_FRAGMENT_CHARACTERS, errors='replace')}"


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
    return problem(503, detail, headers=RETRY_HEADERS)


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
