"""The operations that return a transcript, or a link to it.

Generated clients read one content type for each operation. So each format has a path.
"""

from typing import Any

from receiver.openapi.parameters import IF_NONE_MATCH, JOB_ID, query_parameters
from receiver.openapi.responses import (
    errors,
    errors_with,
    json_content,
    response,
    responses_with_etag,
)
from receiver.openapi.security import API_KEY, API_KEY_OR_LINK
from receiver.openapi.tags import TRANSCRIPTS
from schemas.link import Link, LinkQuery
from schemas.query import CONTENT_TYPES, TranscriptQuery
from schemas.transcript_files import EXTENSIONS, FILE_CONTENT_TYPES
from schemas.transcription import Transcript

_TITLES = {"json": "JSON", "text": "plain text", "vtt": "WebVTT", "srt": "SubRip"}


def _content(name: str, content_type: str) -> dict[str, Any]:
    if name == "json":
        return json_content(Transcript)

    return {content_type.partition(";")[0]: {"schema": {"type": "string"}}}


_ALL_FORMATS = {
    media_type: content
    for name, content_type in CONTENT_TYPES.items()
    for media_type, content in _content(name, content_type).items()
}

_FETCH = {
    "operationId": "fetchTranscript",
    "tags": [TRANSCRIPTS],
    "summary": "Fetch a transcript",
    "description": "The query parameter `format` selects the format; without it, the Accept header "
    "does. Generated clients usually read only JSON here: with them, use the operation of the "
    "format, such as fetchTranscriptVtt.",
    "security": API_KEY,
    "parameters": [JOB_ID, IF_NONE_MATCH, query_parameters(TranscriptQuery)],
    "responses": responses_with_etag("The transcript.", _ALL_FORMATS, also=("Content-Disposition",))
    | errors(400, 401, 403, 404, 406, 429, 500, 503),
}


def _fetch_file(name: str) -> dict[str, Any]:
    content = _content(name, FILE_CONTENT_TYPES[name])

    return {
        "operationId": f"fetchTranscript{EXTENSIONS[name].capitalize()}",
        "tags": [TRANSCRIPTS],
        "summary": f"Fetch a transcript as {_TITLES[name]}",
        "description": f"The transcript as {_TITLES[name]}, whatever the Accept header says.",
        "security": API_KEY,
        "parameters": [JOB_ID, IF_NONE_MATCH],
        "responses": responses_with_etag("The transcript.", content, also=("Content-Disposition",))
        | errors(400, 401, 403, 404, 429, 500, 503),
    }


def _fetch_linked_file(name: str) -> dict[str, Any]:
    """Return the operation of the format that links lead to."""
    content = _content(name, FILE_CONTENT_TYPES[name])
    header = "Referrer-Policy"

    return _fetch_file(name) | {
        "security": API_KEY_OR_LINK,
        "responses": responses_with_etag(
            "The transcript.", content, also=("Content-Disposition",), always=(header,)
        )
        | errors_with(header, 400, 401, 403, 404, 429, 500, 503),
    }


_CREATE_LINK = {
    "operationId": "createLink",
    "tags": [TRANSCRIPTS],
    "summary": "Make a link to a transcript as WebVTT that needs no API key",
    "description": "The link is for a page's `<track>`, which can send no API key. It ends after "
    "minutes, and when the API key that made it changes.",
    "security": API_KEY,
    "parameters": [JOB_ID, query_parameters(LinkQuery)],
    "responses": {"201": response("The link.", json_content(Link))}
    | errors(400, 401, 403, 404, 429, 500, 503),
}

_JOB = "/v3/Transcriptions/{transcriptionId}"
TRANSCRIPTS_AND_LINKS: dict[str, dict[str, Any]] = {
    f"{_JOB}/Transcript": {"get": _FETCH},
    **{
        f"{_JOB}/Transcript.{extension}": {
            "get": _fetch_linked_file(name) if name == "vtt" else _fetch_file(name)
        }
        for name, extension in EXTENSIONS.items()
    },
    f"{_JOB}/Links": {"post": _CREATE_LINK},
}
