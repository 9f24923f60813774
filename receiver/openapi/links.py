"""The operation that makes a signed link to a transcript."""

from typing import Any

from receiver.openapi.components import (
    API_KEY,
    JOB_ID,
    errors,
    json_content,
    query_parameters,
    response,
)
from schemas.link import Link, LinkQuery

LINKS: dict[str, dict[str, Any]] = {
    "/v3/Transcriptions/{transcriptionId}/Links": {
        "post": {
            "operationId": "createLink",
            "summary": "Make a link to a transcript as WebVTT that needs no API key",
            "description": "The link is for a page's `<track>`, which can send no API key. It ends "
            "after minutes, and when the API key that made it changes.",
            "security": API_KEY,
            "parameters": [JOB_ID, query_parameters(LinkQuery)],
            "responses": {"201": response("The link.", json_content(Link))}
            | errors(400, 401, 403, 404, 429, 503),
        }
    },
}
