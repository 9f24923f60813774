"""The operation on the feed of changes."""

from typing import Any

from receiver.openapi.parameters import IF_NONE_MATCH, query_parameters
from receiver.openapi.responses import errors, json_content, responses_with_etag
from receiver.openapi.security import API_KEY
from receiver.openapi.tags import CHANGES
from schemas.changes import ChangeList
from schemas.query import ChangesQuery

_LIST = {
    "operationId": "listChanges",
    "tags": [CHANGES],
    "summary": "List what changed since the last request",
    "description": "Each job that is new or different after the cursor, once, in its newest state. "
    "Nothing is skipped, and a job may be sent again. A job that its retention removes is not a "
    "change.",
    "security": API_KEY,
    "parameters": [IF_NONE_MATCH, query_parameters(ChangesQuery)],
    "responses": responses_with_etag("One page of changes.", json_content(ChangeList))
    | errors(400, 401, 403, 410, 429, 500, 503),
}

CHANGES_OPERATIONS: dict[str, dict[str, Any]] = {"/v3/Changes": {"get": _LIST}}
