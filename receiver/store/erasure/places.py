"""Every column that may hold personal data: the list from which erasing and verifying work."""

from collections.abc import Mapping

from sqlalchemy import ARRAY, ColumnElement, LargeBinary, Table, Text, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.jobs.fold import ERASURE, KEPT_MEMBERS
from receiver.store.tables import (
    erasures,
    events,
    holds,
    rejected,
    submissions,
    transcript_index,
    transcriptions,
)

# The personal columns of each table. Columns that Twilio or a stranger can fill with any text are
# personal too.
PLACES: Mapping[Table, tuple[str, ...]] = {
    transcriptions: (
        *("source_id", "media_url", "conversation_id", "conversation_url"),
        *("participants", "resolved_configuration", "additional"),
    ),
    events: (
        *("head", "body", "content_type", "idempotency_token"),
        *("url", "signature", "signature_settings", "detail"),
    ),
    submissions: ("idempotency_key", "request", "refusal"),
    rejected: ("origin", "target", "headers", "body"),
    holds: ("value", "reason"),
    erasures: ("reason",),
    transcript_index: ("vector",),
}

# The tables from which an erasure removes something. Holds and receipts stay.
ERASED_TABLES = (events, transcriptions, submissions, rejected, transcript_index)


def searchable(table: Table, name: str) -> ColumnElement[str] | ColumnElement[bytes]:
    """Return what to search of a personal column: bytes, or text.

    Of a redacted head, these are the members that should not be there any more.
    """
    column = table.c[name]
    if isinstance(column.type, LargeBinary):
        return column
    if column is events.c.head:
        kept = cast(literal(list(KEPT_MEMBERS), ARRAY(Text)), ARRAY(Text))
        redacted = column.op("-", return_type=JSONB())(kept)
        is_whole = events.c.erased_at.is_(None) & (events.c.source != ERASURE)
        return cast(case((is_whole, column), else_=redacted), Text)

    return cast(column, Text)
