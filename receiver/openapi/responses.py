"""The responses that operations share."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from marshmallow import Schema

from receiver.openapi.headers import headers
from receiver.web.problems import MEDIA_TYPE
from schemas.problem import Problem


class _Error(NamedTuple):
    """An error response: its component's name, and the headers that other responses don't have."""

    name: str
    description: str
    headers: tuple[str, ...] = ()


_ERRORS = {
    400: _Error("BadRequest", "A parameter is not valid; `errors` points to it."),
    401: _Error("Unauthorized", "The API key is missing or unknown.", ("WWW-Authenticate",)),
    403: _Error(
        "Forbidden",
        "The signature does not verify, the API key may not do this, or a page of another site "
        "sent the request with Basic.",
    ),
    404: _Error("NotFound", "The resource does not exist; `detail` says why.", ("Retry-After",)),
    406: _Error("NotAcceptable", "The Accept header allows none of the available formats."),
    409: _Error(
        "Conflict",
        "The Idempotency-Key was used too long ago: Twilio may have forgotten it, and it is "
        "unknown whether the job exists; or a legal hold forbids erasing the job.",
    ),
    410: _Error(
        "Gone",
        "The submission with this Idempotency-Key was erased; or the cursor is of another history "
        "of the database, or the cursor or page token is of a newer release of the service: start "
        "anew without it.",
    ),
    413: _Error("ContentTooLarge", "The body is too large."),
    415: _Error(
        "UnsupportedMediaType",
        "The body is not JSON: its Content-Type is another one, or missing.",
    ),
    422: _Error(
        "UnprocessableContent",
        "The Idempotency-Key was used for a different request (Twilio's error 17534), or `check` "
        "found that the file at mediaUrl would fail; or the filters of a list together exclude too "
        "many jobs; or a search takes too long, or is in a language that isn't searched.",
    ),
    429: _Error(
        "TooManyRequests",
        "The service processes too many requests, too many requests had wrong API keys, or Twilio "
        "limits their rate. This one was not processed; `Retry-After` says when to send it again.",
        ("Retry-After",),
    ),
    500: _Error("InternalServerError", "An error of the service; its log says where."),
    501: _Error("NotImplemented", "The service has no credentials for calls to Twilio."),
    502: _Error(
        "BadGateway",
        "Twilio did not accept the service's credentials, or its response could not be used.",
    ),
    503: _Error(
        "ServiceUnavailable",
        "The service is temporarily unavailable; try again.",
        ("Retry-After",),
    ),
}
_PROBLEM = {MEDIA_TYPE: {"schema": Problem}}


def json_content(schema: type[Schema]) -> dict[str, Any]:
    """Return the content of a JSON body."""
    return {"application/json": {"schema": schema}}


def response(
    description: str, content: dict[str, Any] | None = None, *, also: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a response with the headers of all responses and `also` these.

    It has no content if it has no body.
    """
    return {
        "description": description,
        "headers": headers(*also),
        **({"content": content} if content else {}),
    }


def responses_with_etag(
    description: str,
    content: dict[str, Any],
    *,
    also: Iterable[str] = (),
    always: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the responses 200 and 304 of an operation that returns an ETag.

    The 200 has the headers `also`, and both have the headers `always`.
    """
    return {
        "200": response(description, content, also=("Content-Encoding", "ETag", *also, *always)),
        "304": response("The client's copy is current.", also=("ETag", *always)),
    }


def errors(*statuses: int) -> dict[str, Any]:
    """Return references to the error responses, which are problem documents."""
    return {str(status): _ERRORS[status].name for status in statuses}


def errors_with(header: str, *statuses: int) -> dict[str, Any]:
    """Return the error responses of an operation whose responses all have this header."""
    return {str(status): _error(status, header) for status in statuses}


def refusal(description: str, header: str) -> dict[str, Any]:
    """Return a response with any problem document."""
    return response(description, _PROBLEM, also=(header,))


def _error(status: int, *also: str) -> dict[str, Any]:
    error = _ERRORS[status]

    return response(error.description, _PROBLEM, also=(*error.headers, *also))


ERROR_RESPONSES = {error.name: _error(status) for status, error in _ERRORS.items()}
