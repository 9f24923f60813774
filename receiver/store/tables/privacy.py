"""Erasures and what they leave, legal holds, the progress of the retention, the audit of reads."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp

# What was erased or has expired. It must not be stored again, so these rows outlive the others.
tombstones = Table(
    "tombstones",
    metadata,
    # A receiver.store.erasure.tombstones key: a job's id, a body's digest, or the keyed hash of an
    # address or a conversation.
    Column("key", Text(collation="C"), primary_key=True),
    timestamp("erased_at", nullable=False),
    # The erasure; null if its retention ended, or if it follows from another tombstone.
    Column("erasure_id", BigInteger),
)

# The key of the hashes in `tombstones` and `erasures`, in one row.
erasure_key = Table(
    "erasure_key",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("key", LargeBinary, nullable=False),
)

# One row for each request to erase, the receipt of what it did.
erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),  # job, address, conversation or reapply
    # What was matched, as the key of its tombstone.
    Column("target", Text(collation="C"), nullable=False),
    # The account of a bound API key.
    Column("account_id", Text),
    # The name of the API key, or `user:` and the operating system's user.
    Column("requested_by", Text, nullable=False),
    Column("reason", Text),
    timestamp("requested_at", nullable=False),
    # Null while it runs, or if it was interrupted.
    timestamp("completed_at"),
    # What was erased, by place.
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
)

# Legal holds: what they match is neither erased nor does its retention end.
holds = Table(
    "holds",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    Column("kind", Text, nullable=False),  # job or address
    Column("value", Text(collation="C"), nullable=False),
    Column("reason", Text),
    Column("created_by", Text, nullable=False),
    timestamp("created_at", nullable=False),
)

# How far the passes of the retention have come.
retention_progress = Table(
    "retention_progress",
    metadata,
    Column("name", Text, primary_key=True),
    # Events up to this id have been processed.
    Column("last_id", BigInteger, nullable=False),
    # When the last pass reached its end.
    timestamp("completed_at"),
)

# One row for each read of a transcript or a body: by a client of the API, or by a command.
audit = Table(
    "audit",
    metadata,
    # In this order, the primary key serves the list of all reads, and the deletion of old ones.
    Column("at", DateTime(timezone=True), primary_key=True, server_default=text("now()")),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # See receiver.store.audit.access.Access. A body that couldn't be decoded has no job.
    Column("reader", Text(collation="C"), nullable=False),
    Column("job_id", Text(collation="C")),
    Column("callback_id", BigInteger),
    Column("route", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("status", SmallInteger),
    Column("request_id", Text),
    Index("audit_job", "job_id", "at"),
    Index("audit_reader", "reader", "at"),
)
