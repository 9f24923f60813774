"""The parameters that operations share."""

from typing import Any

from marshmallow import Schema

from schemas.storable import ID_PATTERN
from schemas.token import BIGINT_MAX

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
    "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": BIGINT_MAX},
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


def query_parameters(schema: type[Schema]) -> dict[str, Any]:
    """Return all parameters of a query; apispec makes one parameter of each field."""
    return {"in": "query", "schema": schema}
