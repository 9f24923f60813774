"""The operations on the service itself: its health, and the document."""

from typing import Any

from receiver.openapi.parameters import IF_NONE_MATCH
from receiver.openapi.responses import errors, json_content, response, responses_with_etag
from receiver.openapi.security import API_KEY, NO_AUTHENTICATION
from receiver.openapi.tags import SERVICE
from schemas.health import Health

# The server's own answer, before the application sees the request.
_HEAD_TOO_LARGE = {
    "431": {
        "description": "The request's line and headers are too large.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}

_HEALTHZ = {
    "operationId": "healthz",
    "tags": [SERVICE],
    "summary": "Check that the process is running",
    "description": "Doesn't use the database.",
    "security": NO_AUTHENTICATION,
    "responses": {"200": response("It is running.", json_content(Health))} | _HEAD_TOO_LARGE,
}

_READYZ = {
    "operationId": "readyz",
    "tags": [SERVICE],
    "summary": "Check that callbacks can be stored",
    "description": "A worker checks the database once a second at most, however many clients ask.",
    "security": NO_AUTHENTICATION,
    "responses": {"200": response("They can be stored.", json_content(Health))}
    | _HEAD_TOO_LARGE
    | errors(503),
}

_METRICS = {
    "operationId": "fetchMetrics",
    "tags": [SERVICE],
    "summary": "Fetch the metrics of all workers, in the text format of Prometheus",
    "description": "While the database is unavailable, the response has what this worker knows.",
    "security": API_KEY,
    "responses": {"200": response("The metrics.", {"text/plain": {"schema": {"type": "string"}}})}
    | errors(400, 401, 403, 429),
}

_DOCUMENT = {
    "operationId": "openapi",
    "tags": [SERVICE],
    "summary": "Fetch this document",
    "description": "The OpenAPI description of all routes.",
    "security": NO_AUTHENTICATION,
    "parameters": [IF_NONE_MATCH],
    "responses": responses_with_etag(
        "This document.", {"application/json": {"schema": {"type": "object"}}}
    )
    | errors(429),
}

SERVICE_OPERATIONS: dict[str, dict[str, Any]] = {
    "/healthz": {"get": _HEALTHZ},
    "/readyz": {"get": _READYZ},
    "/metrics": {"get": _METRICS},
    "/openapi.json": {"get": _DOCUMENT},
}
