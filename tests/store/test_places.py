"""Tests of the list of places that hold personal data."""

from collections.abc import Mapping

import pytest
from sqlalchemy import Engine, Table, text

from receiver.store.erasure.places import PLACES
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

_JOB = "identifies a job, and nobody"
_ACCOUNT = "an account at Twilio"
_DIGEST = "a digest of a body"
_OURS = "one of our own words"
_STAFF = "an API key or an operator, not a caller"

# All other columns of text, bytes or JSON, each with the reason why it holds nothing of a caller.
_HARMLESS: Mapping[Table, Mapping[str, str]] = {
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

# Types whose values contain no text.
_TYPES_WITHOUT_TEXT = {
    "bigint",
    "integer",
    "smallint",
    "boolean",
    "double precision",
    "timestamp with time zone",
    "xid8",
    "uuid",
}
_COLUMNS = text("""
SELECT relname, attname, format_type(atttypid, NULL) AS type
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relkind IN ('r', 'p', 'm') AND relnamespace = current_schema()::regnamespace
  AND attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
""")


@pytest.mark.usefixtures("app")
def test_every_column_is_a_place_or_harmless(engine: Engine) -> None:
    """A column that can hold a text is on the list of places, or on that of harmless ones."""
    with engine.connect() as connection:
        rows = connection.execute(_COLUMNS).all()
    found = {(row.relname, row.attname) for row in rows if row.type not in _TYPES_WITHOUT_TEXT}
    listed = [
        (table.name, column)
        for places in (PLACES, _HARMLESS)
        for table, columns in places.items()
        for column in columns
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == found
