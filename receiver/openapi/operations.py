"""The operations of the OpenAPI document: what each route accepts and returns."""

from receiver.openapi.callbacks import CALLBACK_OPERATIONS
from receiver.openapi.changes import CHANGES_OPERATIONS
from receiver.openapi.export import EXPORT
from receiver.openapi.jobs import JOBS
from receiver.openapi.search import SEARCH_OPERATIONS
from receiver.openapi.service import SERVICE_OPERATIONS
from receiver.openapi.transcripts import TRANSCRIPTS_AND_LINKS

OPERATIONS = (
    JOBS
    | TRANSCRIPTS_AND_LINKS
    | SEARCH_OPERATIONS
    | CHANGES_OPERATIONS
    | EXPORT
    | CALLBACK_OPERATIONS
    | SERVICE_OPERATIONS
)
