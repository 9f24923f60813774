"""The parts that operations share: security, parameters, and responses."""

from typing import Any

from marshmallow import Schema

from receiver.web.problems import MEDIA_TYPE
from schemas.problem import Problem
from schemas.storable import ID_PATTERN
from schemas.token import BIGINT_MAX

SECURITY_SCHEMES = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The name of an API key as user, its secret as password.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret of an API key.",
    },
    "link": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The token of a signed link.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "Twilio's signature of the request.",
    },
}

# The values of an operation's `security`.
Security = list[dict[str, list[str]]]
API_KEY: Security = [{"basic": []}, {"bearer": []}]
API_KEY_OR_LINK: Security = [*API_KEY, {"link": []}]
TWILIO_SIGNATURE: Security = [{"signature": []}]
NO_AUTHENTICATION: Security = []

JOB_ID = {
    "in": "path",
    "name": "transcriptionId",
    "description": "The id of the job.",
    "example": "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa",
    "schema": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
}
CALLBACK_ID = {
    "in": "path",
    "name": "callbackId",
    "description": "The id of the callback, from the list of the job's callbacks.",
    "example": 1,
    "schema": {"type": "integer", "minimum": 1, "maximum": BIGINT_MAX},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "A second request with the same key and body gets the first one's response, and "
    "creates no second job. If there is no key, the service creates one and returns it. A key must "
    "not begin with resubmit-.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,128}$"},
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The ETag of the client's copy.",
    "schema": {"type": "string"},
}

_ERROR_DESCRIPTIONS = {
    400: "A parameter is not valid; `errors` points to it.",
    401: "The API key is missing or unknown.",
    403: "The signature does not verify, the API key may not do this, or a page of another site "
    "sent the request with Basic.",
    404: "The resource does not exist; `detail` says why.",
    406: "The Accept header allows none of the available formats.",
    409: "The Idempotency-Key was used too long ago: Twilio may have forgotten it, and it is "
    "unknown whether the job exists.",
    413: "The body is too large.",
    415: "The body is not JSON: its Content-Type is another one, or missing.",
    422: "The Idempotency-Key was used for a different request (Twilio's error 17534), or `check` "
    "found that the file at mediaUrl would fail; or the filters of a list together exclude too "
    "many jobs.",
    429: "The service processes too many requests, too many requests had wrong API keys, or Twilio "
    "limits their rate. This one was not processed; `Retry-After` says when to send it again.",
    501: "The service has no credentials for calls to Twilio.",
    502: "Twilio did not accept the service's credentials, or its response could not be used.",
    503: "The service is temporarily unavailable; try again.",
}


def json_content(schema: type[Schema]) -> dict[str, Any]:
    """Return the content of a JSON body."""
    return {"application/json": {"schema": schema}}


def query_parameters(schema: type[Schema]) -> dict[str, Any]:
    """Return all parameters of a query; apispec makes one parameter of each field."""
    return {"in": "query", "schema": schema}


def response(description: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a response, without content if it has no body."""
    return {"description": description, **({"content": content} if content else {})}


def responses_with_etag(description: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the responses 200 and 304 of an operation that returns an ETag."""
    etag = {"ETag": {"required": True, "schema": {"type": "string"}}}

    return {
        "200": response(description, content) | {"headers": etag},
        "304": response("The client's copy is current.") | {"headers": etag},
    }


def errors(*statuses: int) -> dict[str, Any]:
    """Return the error responses, which are problem documents."""
    content = {MEDIA_TYPE: {"schema": Problem}}

    return {str(status): response(_ERROR_DESCRIPTIONS[status], content) for status in statuses}
