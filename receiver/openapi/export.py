"""The operation that exports jobs with their transcripts."""

from typing import Any

from receiver.openapi.parameters import query_parameters
from receiver.openapi.responses import errors, response
from receiver.openapi.security import API_KEY
from receiver.openapi.tags import TRANSCRIPTS
from schemas.export import ExportQuery

_CONTENT = {
    "application/x-ndjson": {"schema": {"type": "string"}},
    "text/csv": {"schema": {"type": "string"}},
}

_EXPORT = {
    "operationId": "exportTranscriptions",
    "tags": [TRANSCRIPTS],
    "summary": "Export all jobs of a period with their transcripts",
    "description": "A stream, oldest job first. Each line is a job as the list has it, with its "
    "`sentences` and a `cursor`. The last line has the counts, and says whether the export is "
    "`complete`: if it is not, or is missing, continue with the cursor of the last complete line. "
    "Erased jobs are left out.",
    "security": API_KEY,
    "parameters": [query_parameters(ExportQuery)],
    "responses": {
        "200": response("The jobs.", _CONTENT, also=("Content-Disposition", "Content-Encoding"))
    }
    | errors(400, 401, 403, 410, 429, 500, 503),
}

EXPORT: dict[str, dict[str, Any]] = {"/v3/Export": {"get": _EXPORT}}
