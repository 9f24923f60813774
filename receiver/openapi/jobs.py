"""The operations on jobs: list, submit, fetch, erase; and the completeness of their transcripts."""

from typing import Any

from receiver.openapi.parameters import (
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    JOB_ID,
    query_parameters,
)
from receiver.openapi.responses import (
    errors,
    errors_with,
    json_content,
    refusal,
    response,
    responses_with_etag,
)
from receiver.openapi.security import API_KEY
from receiver.openapi.tags import COMPLETENESS, TRANSCRIPTIONS
from schemas.completeness import Completeness
from schemas.listing import TranscriptionList
from schemas.query import SubmissionQuery, TranscriptionsQuery
from schemas.submission import Submission
from schemas.transcription import Accepted, Operation

_LIST = {
    "operationId": "listTranscriptions",
    "tags": [TRANSCRIPTIONS],
    "summary": "List jobs, newest first",
    "description": "All filters that are given apply together. To read the next page, send "
    "`meta.nextToken` as `pageToken`.",
    "security": API_KEY,
    "parameters": [IF_NONE_MATCH, query_parameters(TranscriptionsQuery)],
    "responses": responses_with_etag("One page of jobs.", json_content(TranscriptionList))
    | errors(400, 401, 403, 410, 422, 429, 500, 503),
}

_CREATE = {
    "operationId": "createTranscription",
    "tags": [TRANSCRIPTIONS],
    "summary": "Submit a job to Twilio",
    "description": "If Twilio rejects the request, the response has Twilio's status, code and "
    "errors.",
    "security": API_KEY,
    "parameters": [IDEMPOTENCY_KEY, query_parameters(SubmissionQuery)],
    "requestBody": {
        "description": "The job, in Twilio's form: either `sourceId` or `mediaUrl`.",
        "required": True,
        "content": json_content(Submission),
    },
    "responses": {
        "202": response(
            "Twilio has accepted the job.",
            json_content(Accepted),
            also=("Idempotency-Key", "Location", "Operation-Id", "Retry-After"),
        )
    }
    | errors(401, 403)
    | errors_with("Idempotency-Key", 400, 404, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503)
    | {"4XX": refusal("Twilio rejected it.", "Idempotency-Key")},
}

_FETCH = {
    "operationId": "fetchTranscription",
    "tags": [TRANSCRIPTIONS],
    "summary": "Fetch a job",
    "description": "While the job is unfinished, `Retry-After` says when to ask again.",
    "security": API_KEY,
    "parameters": [JOB_ID, IF_NONE_MATCH],
    "responses": responses_with_etag("The job.", json_content(Operation), also=("Retry-After",))
    | errors(400, 401, 403, 404, 429, 500, 503),
}

_ERASE = {
    "operationId": "eraseTranscription",
    "tags": [TRANSCRIPTIONS],
    "summary": "Erase a job",
    "description": "Erases the transcript and everything else that is personal, for good. The "
    "job's status, times, length and language stay, and Twilio has its own copy. A job that is "
    "erased already is answered 204 too.",
    "security": API_KEY,
    "parameters": [JOB_ID],
    "responses": {"204": response("The job is erased.")}
    | errors(400, 401, 403, 404, 409, 429, 500, 503),
}

_FETCH_COMPLETENESS = {
    "operationId": "fetchCompleteness",
    "tags": [COMPLETENESS],
    "summary": "Fetch how many transcripts Twilio has completed, and how many are stored",
    "description": "The figures are counted every five seconds at most; `asOf` says when.",
    "security": API_KEY,
    "parameters": [IF_NONE_MATCH],
    "responses": responses_with_etag("The figures.", json_content(Completeness))
    | errors(400, 401, 403, 429, 500, 503),
}

JOBS: dict[str, dict[str, Any]] = {
    "/v3/Transcriptions": {"get": _LIST, "post": _CREATE},
    "/v3/Transcriptions/{transcriptionId}": {"get": _FETCH, "delete": _ERASE},
    "/v3/Completeness": {"get": _FETCH_COMPLETENESS},
}
