"""The operations on callbacks: the webhook that receives them, and the reads of them."""

from typing import Any

from receiver.openapi.parameters import CALLBACK_ID, IF_NONE_MATCH, JOB_ID, query_parameters
from receiver.openapi.responses import errors, json_content, response, responses_with_etag
from receiver.openapi.security import API_KEY, TWILIO_SIGNATURE
from receiver.openapi.tags import CALLBACKS
from schemas.callback import Head
from schemas.listing import CallbackList
from schemas.query import PagedQuery

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

_LIST = {
    "operationId": "listCallbacks",
    "tags": [CALLBACKS],
    "summary": "List what was received for a job, newest first",
    "description": "Every distinct body, also a quarantined one. To read the next page, send "
    "`meta.nextToken` as `pageToken`.",
    "security": API_KEY,
    "parameters": [JOB_ID, IF_NONE_MATCH, query_parameters(PagedQuery)],
    "responses": responses_with_etag("One page of callbacks.", json_content(CallbackList))
    | errors(400, 401, 403, 404, 410, 429, 500, 503),
}

_FETCH_BODY = {
    "operationId": "fetchCallbackBody",
    "tags": [CALLBACKS],
    "summary": "Fetch the body of a callback, byte for byte",
    "description": "The bytes as they were received: usually JSON, but they may be anything.",
    "security": API_KEY,
    "parameters": [JOB_ID, CALLBACK_ID, IF_NONE_MATCH],
    "responses": responses_with_etag("The exact bytes.", _BYTES, also=("Content-Disposition",))
    | errors(400, 401, 403, 404, 429, 500, 503),
}

_RECEIVE = {
    "operationId": "receiveCallback",
    "tags": [CALLBACKS],
    "summary": "Receive a callback from Twilio",
    "description": "Every signed body is stored, even if it does not match the schema.",
    "security": TWILIO_SIGNATURE,
    "requestBody": {
        "description": "The job, and its transcript if it is completed.",
        "content": json_content(Head),
    },
    "responses": {"204": response("The exact body is stored durably.")} | errors(403, 413, 503),
}

_JOB_CALLBACKS = "/v3/Transcriptions/{transcriptionId}/Callbacks"
CALLBACK_OPERATIONS: dict[str, dict[str, Any]] = {
    _JOB_CALLBACKS: {"get": _LIST},
    f"{_JOB_CALLBACKS}/{{callbackId}}/Body": {"get": _FETCH_BODY},
    "/callbacks/transcription": {"post": _RECEIVE},
}
