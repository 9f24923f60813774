"""The operations of the OpenAPI document: what each route accepts and returns."""

from typing import Any

from receiver.openapi.components import (
    API_KEY,
    CALLBACK_ID,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    JOB_ID,
    NO_AUTHENTICATION,
    TWILIO_SIGNATURE,
    errors,
    json_content,
    query_parameters,
    response,
    responses_with_etag,
)
from receiver.openapi.links import LINKS
from receiver.openapi.transcript_files import TRANSCRIPT_FILES
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
from schemas.submission import Submission
from schemas.transcription import Accepted, Operation, Transcript

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

OPERATIONS: dict[str, dict[str, Any]] = {
    "/v3/Transcriptions": {
        "get": {
            "operationId": "listTranscriptions",
            "summary": "List jobs, newest first",
            "security": API_KEY,
            "parameters": [IF_NONE_MATCH, query_parameters(TranscriptionsQuery)],
            "responses": responses_with_etag("One page of jobs.", json_content(TranscriptionList))
            | errors(400, 401, 403, 422, 429, 503),
        },
        "post": {
            "operationId": "createTranscription",
            "summary": "Submit a job to Twilio",
            "description": "If Twilio rejects the request, the response has Twilio's status, code "
            "and errors.",
            "security": API_KEY,
            "parameters": [IDEMPOTENCY_KEY, query_parameters(SubmissionQuery)],
            "requestBody": {"required": True, "content": json_content(Submission)},
            "responses": {
                "202": response("Twilio has accepted the job.", json_content(Accepted))
                | {
                    "headers": {
                        "Location": {"required": True, "schema": {"type": "string"}},
                        "Idempotency-Key": {"required": True, "schema": {"type": "string"}},
                        "Operation-Id": {
                            "required": True,
                            "description": "The id of the job.",
                            "schema": {"type": "string"},
                        },
                        "Retry-After": {
                            "description": "Seconds after which to look at the job.",
                            "schema": {"type": "integer"},
                        },
                    }
                }
            }
            | errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 501, 502, 503)
            | {"4XX": response("Twilio rejected it.", {MEDIA_TYPE: {"schema": Problem}})},
        },
    },
    "/v3/Transcriptions/{transcriptionId}": {
        "get": {
            "operationId": "fetchTranscription",
            "summary": "Fetch a job",
            "description": "While the job is unfinished, `Retry-After` says when to ask again.",
            "security": API_KEY,
            "parameters": [JOB_ID, IF_NONE_MATCH],
            "responses": responses_with_etag("The job.", json_content(Operation))
            | errors(400, 401, 403, 404, 429, 503),
        }
    },
    "/v3/Transcriptions/{transcriptionId}/Transcript": {
        "get": {
            "operationId": "fetchTranscript",
            "summary": "Fetch a transcript",
            "description": "The query parameter `format` selects the format; without it, the "
            "Accept header does.",
            "security": API_KEY,
            "parameters": [JOB_ID, IF_NONE_MATCH, query_parameters(TranscriptQuery)],
            "responses": responses_with_etag(
                "The transcript.",
                {
                    content_type.partition(";")[0]: {"schema": {"type": "string"}}
                    for content_type in CONTENT_TYPES.values()
                }
                | json_content(Transcript),
            )
            | errors(400, 401, 403, 404, 406, 429, 503),
        }
    },
    **TRANSCRIPT_FILES,
    **LINKS,
    "/v3/Transcriptions/{transcriptionId}/Callbacks": {
        "get": {
            "operationId": "listCallbacks",
            "summary": "List what was received for a job, newest first",
            "security": API_KEY,
            "parameters": [JOB_ID, IF_NONE_MATCH, query_parameters(PagedQuery)],
            "responses": responses_with_etag("One page of callbacks.", json_content(CallbackList))
            | errors(400, 401, 403, 404, 429, 503),
        }
    },
    "/v3/Transcriptions/{transcriptionId}/Callbacks/{callbackId}/Body": {
        "get": {
            "operationId": "fetchCallbackBody",
            "summary": "Fetch the body of a callback, byte for byte",
            "security": API_KEY,
            "parameters": [JOB_ID, CALLBACK_ID, IF_NONE_MATCH],
            "responses": responses_with_etag("The exact bytes.", _BYTES)
            | errors(400, 401, 403, 404, 429, 503),
        }
    },
    "/v3/Completeness": {
        "get": {
            "operationId": "fetchCompleteness",
            "summary": "Fetch how many transcripts Twilio has completed, and how many are stored",
            "security": API_KEY,
            "parameters": [IF_NONE_MATCH],
            "responses": responses_with_etag("The figures.", json_content(Completeness))
            | errors(400, 401, 403, 429, 503),
        }
    },
    "/callbacks/transcription": {
        "post": {
            "operationId": "receiveCallback",
            "summary": "Receive a callback from Twilio",
            "description": "Every signed body is stored, even if it does not match the schema.",
            "security": TWILIO_SIGNATURE,
            "requestBody": {"content": json_content(Head)},
            "responses": {"204": response("The exact body is stored durably.")}
            | errors(403, 413, 503),
        }
    },
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "summary": "Check that the process is running",
            "security": NO_AUTHENTICATION,
            "responses": {"200": response("It is running.", json_content(Health))},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "Check that callbacks can be stored",
            "security": NO_AUTHENTICATION,
            "responses": {"200": response("They can be stored.", json_content(Health))}
            | errors(503),
        }
    },
    "/metrics": {
        "get": {
            "operationId": "fetchMetrics",
            "summary": "Fetch the metrics of all workers, in the text format of Prometheus",
            "security": API_KEY,
            "responses": {
                "200": response("The metrics.", {"text/plain": {"schema": {"type": "string"}}})
            }
            | errors(400, 401, 403, 429),
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "Fetch this document",
            "security": NO_AUTHENTICATION,
            "parameters": [IF_NONE_MATCH],
            "responses": responses_with_etag("This document.", {"application/json": {}}),
        }
    },
}
