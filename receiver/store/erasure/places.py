"""Every column that may hold personal data: the list from which erasing and verifying work."""

from collections.abc import Mapping

from sqlalchemy import ARRAY, ColumnElement, LargeBinary, Table, Text, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.jobs.fold import ERASURE, KEPT_MEMBERS
from receiver.store.tables import (
    audit,
    erasure_key,
    erasures,
    events,
    holds,
    metric_counts,
    metric_figures,
    metric_workers,
    passes,
    push_endpoints,
    rejected,
    rejected_not_kept,
    retention_progress,
    search_progress,
    submissions,
    tombstones,
    transcript_index,
    transcriptions,
    watches,
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

_JOB = "identifies a job, and nobody"
_ACCOUNT = "an account at Twilio"
_DIGEST = "a digest of a body"
_OURS = "one of our own words"
_STAFF = "an API key or an operator, not a caller"

# All other columns of text, bytes or JSON, each with the reason why it holds nothing of a caller.
HARMLESS: Mapping[Table, Mapping[str, str]] = {
    transcriptions: {
        "id": _JOB,
        "account_id": _ACCOUNT,
        "status": _OURS,
        "configuration_id": "a configuration at Twilio",
        "language": "a code, which many calls share",
        "transcript_sha256": _DIGEST,
        "transcript_source": _OURS,
        "key_sha256": _DIGEST,
    },
    events: {
        "sha256": _DIGEST,
        "source": _OURS,
        "job_id": _JOB,
        "account_id": _ACCOUNT,
        "key_id": "names a signing key",
        "outcome": _OURS,
        "reason": _OURS,
        "promoted_from": _OURS,
    },
    submissions: {"submitted_by": _STAFF, "job_id": _JOB},
    rejected: {"sha256": _DIGEST, "reason": _OURS, "account_id": _ACCOUNT, "job_id": _JOB},
    rejected_not_kept: {"reason": _OURS},
    watches: {"job_id": _JOB, "need": _OURS, "gave_up": _OURS},
    passes: {"token": "Twilio's own, for a page of its list", "fault": _OURS},
    tombstones: {"key": "a job, a digest or a keyed hash"},
    erasure_key: {"key": "random"},
    erasures: {
        "kind": _OURS,
        "target": "the key of a tombstone",
        "account_id": _ACCOUNT,
        "requested_by": _STAFF,
        "counts": "numbers by place",
    },
    holds: {"name": "chosen by an operator, for display", "kind": _OURS, "created_by": _STAFF},
    retention_progress: {"name": _OURS},
    audit: {
        "reader": _STAFF,
        "job_id": _JOB,
        "route": _OURS,
        "format": _OURS,
        "request_id": "chosen by an API client or a router",
    },
    metric_counts: {"name": _OURS, "labels": "from closed sets"},
    metric_workers: {"id": "random", "state": "numbers of a worker"},
    metric_figures: {"name": _OURS, "figures": "numbers"},
    push_endpoints: {
        "name": "chosen by an operator",
        "cursor": "numbers of transactions, and a job",
        "failing_job_id": _JOB,
        "last_error": _OURS,
    },
    transcript_index: {"job_id": _JOB, "config": _OURS, "source_sha256": _DIGEST},
    search_progress: {"cursor": "a place in the change feed"},
}


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
