"""What each route takes and answers: OpenAPI's operations, with schemas where it has schemas."""

from typing import Any

from marshmallow import Schema

from receiver.web.problems import MEDIA_TYPE
from schemas.callback import Head
from schemas.completeness import Completeness
from schemas.health import Health
from schemas.listing import CallbackList, TranscriptionList
from schemas.problem import Problem
from schemas.query import (
    CONTENT_TYPES,
    PagedQuery,
    SubmissionQuery,
    TranscriptionsQuery,
    TranscriptQuery,
)
from schemas.storable import ID_PATTERN
from schemas.submission import Submission
from schemas.token import BIGINT_MAX
from schemas.transcription import Accepted, Operation, Transcript

SECURITY = {
    "basic": {"type": "http", "scheme": "basic", "description": "An API key's name and secret."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key's secret."},
    "signature": {"type": "apiKey", "in": "header", "name": "X-Twilio-Signature"},
}
_Security = list[dict[str, list[str]]]
_READER: _Security = [{"basic": []}, {"bearer": []}]
_TWILIO: _Security = [{"signature": []}]
_ANYBODY: _Security = []

_REFUSALS = {
    400: "A parameter isn't valid; `errors` points at it.",
    401: "No API key, or none of ours.",
    403: "The signature doesn't verify, or the API key may only read.",
    404: "There is none; `detail` says why.",
    406: "The Accept header allows none of the formats.",
    409: "The Idempotency-Key was used so long ago that Twilio may have forgotten it, and nobody "
    "knows what came of it.",
    413: "The body is too large.",
    422: "The Idempotency-Key was used for another request (Twilio's 17534), or with `check` the "
    "mediaUrl would fail.",
    429: "Twilio takes no more for now, and did not take this.",
    501: "The service has no credentials for calls to Twilio.",
    502: "Twilio refuses the service's credentials, or its answer could not be used.",
    503: "Not now; try again.",
}
_JOB = {
    "in": "path",
    "name": "transcriptionId",
    "example": "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa",
    "schema": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
}
_CALLBACK = {
    "in": "path",
    "name": "callbackId",
    "example": 1,
    "schema": {"type": "integer", "minimum": 1, "maximum": BIGINT_MAX},
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "A repeat with the same key and body gets the original answer, and makes no "
    "second job. Without one a key is made, which the answer tells. None begins with resubmit-.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,128}$"},
}
_HELD = {"in": "header", "name": "If-None-Match", "schema": {"type": "string"}}


def _of(schema: type[Schema]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _query(schema: type[Schema]) -> dict[str, Any]:
    return {"in": "query", "schema": schema}


def _answer(description: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description, **({"content": content} if content else {})}


def _tagged(description: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of a route with an ETag."""
    etag = {"ETag": {"required": True, "schema": {"type": "string"}}}

    return {
        "200": _answer(description, content) | {"headers": etag},
        "304": _answer("The client holds it already.") | {"headers": etag},
    }


def _refused(*statuses: int) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": Problem}}

    return {str(status): _answer(_REFUSALS[status], problem) for status in statuses}


OPERATIONS: dict[str, dict[str, Any]] = {
    "/v3/Transcriptions": {
        "get": {
            "operationId": "listTranscriptions",
            "summary": "List the jobs, newest first",
            "security": _READER,
            "parameters": [_query(TranscriptionsQuery)],
            "responses": {"200": _answer("One page.", _of(TranscriptionList))}
            | _refused(400, 401, 503),
        },
        "post": {
            "operationId": "createTranscription",
            "summary": "Submit a job to Twilio",
            "description": "What Twilio refuses is answered with its status, code and errors.",
            "security": _READER,
            "parameters": [_IDEMPOTENCY_KEY, _query(SubmissionQuery)],
            "requestBody": {"required": True, "content": _of(Submission)},
            "responses": {
                "202": _answer("Twilio has taken it.", _of(Accepted))
                | {
                    "headers": {
                        "Location": {"required": True, "schema": {"type": "string"}},
                        "Idempotency-Key": {"required": True, "schema": {"type": "string"}},
                    }
                }
            }
            | _refused(400, 401, 403, 404, 409, 413, 422, 429, 501, 502, 503)
            | {"4XX": _answer("Twilio refuses it.", {MEDIA_TYPE: {"schema": Problem}})},
        },
    },
    "/v3/Transcriptions/{transcriptionId}": {
        "get": {
            "operationId": "fetchTranscription",
            "summary": "Fetch a job",
            "description": "`Retry-After` says when to ask again while the job isn't over.",
            "security": _READER,
            "parameters": [_JOB, _HELD],
            "responses": _tagged("The job.", _of(Operation)) | _refused(401, 404, 503),
        }
    },
    "/v3/Transcriptions/{transcriptionId}/Transcript": {
        "get": {
            "operationId": "fetchTranscript",
            "summary": "Fetch a transcript",
            "description": "In the format that `format`, else the Accept header, asks for.",
            "security": _READER,
            "parameters": [_JOB, _HELD, _query(TranscriptQuery)],
            "responses": _tagged(
                "The transcript.",
                {
                    content_type.partition(";")[0]: {"schema": {"type": "string"}}
                    for content_type in CONTENT_TYPES.values()
                }
                | _of(Transcript),
            )
            | _refused(400, 401, 404, 406, 503),
        }
    },
    "/v3/Transcriptions/{transcriptionId}/Callbacks": {
        "get": {
            "operationId": "listCallbacks",
            "summary": "List what was received for a job, newest first",
            "security": _READER,
            "parameters": [_JOB, _query(PagedQuery)],
            "responses": {"200": _answer("One page.", _of(CallbackList))}
            | _refused(400, 401, 404, 503),
        }
    },
    "/v3/Transcriptions/{transcriptionId}/Callbacks/{callbackId}/Body": {
        "get": {
            "operationId": "fetchCallbackBody",
            "summary": "Fetch a callback's body, byte for byte",
            "security": _READER,
            "parameters": [_JOB, _CALLBACK],
            "responses": {"200": _answer("The exact bytes.", {"application/octet-stream": {}})}
            | _refused(401, 404, 503),
        }
    },
    "/v3/Completeness": {
        "get": {
            "operationId": "fetchCompleteness",
            "summary": "Tell how many transcripts were promised, and how many are here",
            "security": _READER,
            "responses": {"200": _answer("The figures.", _of(Completeness))} | _refused(401, 503),
        }
    },
    "/callbacks/transcription": {
        "post": {
            "operationId": "receiveCallback",
            "summary": "Take a callback in",
            "description": "Whatever is signed is kept, whether it is what the schema says or not.",
            "security": _TWILIO,
            "requestBody": {"content": _of(Head)},
            "responses": {"204": _answer("The exact body is durable.")} | _refused(403, 413, 503),
        }
    },
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "summary": "Tell that the process is there",
            "security": _ANYBODY,
            "responses": {"200": _answer("It is.", _of(Health))},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "Tell whether callbacks can be kept",
            "security": _ANYBODY,
            "responses": {"200": _answer("They can.", _of(Health))} | _refused(503),
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "Describe all of this",
            "security": _ANYBODY,
            "responses": {"200": _answer("This document.", {"application/json": {}})},
        }
    },
}
