"""The operation of the search."""

from typing import Any

from receiver.openapi.parameters import IF_NONE_MATCH, query_parameters
from receiver.openapi.responses import errors, json_content, responses_with_etag
from receiver.openapi.security import API_KEY
from receiver.openapi.tags import TRANSCRIPTS
from schemas.search import HitList, SearchQuery

_SEARCH = {
    "operationId": "searchTranscripts",
    "tags": [TRANSCRIPTS],
    "summary": "Search the transcripts",
    "description": "The jobs whose transcripts match, newest first, each with one sentence. The "
    "words are compared by their stems, in the language of each transcript. 404 if the service's "
    "search is off.",
    "security": API_KEY,
    "parameters": [IF_NONE_MATCH, query_parameters(SearchQuery)],
    "responses": responses_with_etag("One page of hits.", json_content(HitList))
    | errors(400, 401, 403, 404, 410, 422, 429, 500, 503),
}

SEARCH_OPERATIONS: dict[str, dict[str, Any]] = {"/v3/Search": {"get": _SEARCH}}
