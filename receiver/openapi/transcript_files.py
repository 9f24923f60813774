"""The operations that return a transcript in one format: generators need a path for each."""

from typing import Any

from receiver.openapi.components import (
    API_KEY,
    API_KEY_OR_LINK,
    IF_NONE_MATCH,
    JOB_ID,
    errors,
    json_content,
    responses_with_etag,
)
from schemas.transcript_files import EXTENSIONS, FILE_CONTENT_TYPES
from schemas.transcription import Transcript

_TITLES = {"json": "JSON", "text": "plain text", "vtt": "WebVTT", "srt": "SubRip"}

_CONTENT_DISPOSITION = {
    "description": "The transcript's file name.",
    "required": True,
    "schema": {"type": "string"},
}


def _operation(name: str) -> dict[str, Any]:
    extension = EXTENSIONS[name]
    is_linked = name == "vtt"
    media_type = FILE_CONTENT_TYPES[name].partition(";")[0]
    content = {media_type: {"schema": {"type": "string"}}}
    responses = responses_with_etag(
        "The transcript.", json_content(Transcript) if name == "json" else content
    )
    responses["200"]["headers"] |= {"Content-Disposition": _CONTENT_DISPOSITION}

    return {
        "operationId": f"fetchTranscript{extension.capitalize()}",
        "summary": f"Fetch a transcript as {_TITLES[name]}",
        "security": API_KEY_OR_LINK if is_linked else API_KEY,
        "parameters": [JOB_ID, IF_NONE_MATCH],
        "responses": responses | errors(400, 401, 403, 404, 429, 503),
    }


TRANSCRIPT_FILES = {
    f"/v3/Transcriptions/{{transcriptionId}}/Transcript.{extension}": {"get": _operation(name)}
    for name, extension in EXTENSIONS.items()
}
