"""Requests that look like callbacks but don't verify."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp

# One row for each request that looks like a callback but doesn't verify. None of it is proved.
rejected = Table(
    "rejected",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    # As the body claims.
    Column("account_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    # What the signature may cover: the request's own origin, the path and query of the request
    # line, and the headers on an allow-list.
    Column("origin", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_bytes", Integer, nullable=False),
    # How much of its account's quota it uses: all columns with a length that a stranger can choose.
    Column("row_bytes", Integer, nullable=False),
    timestamp("received_at", nullable=False),
    Index("rejected_room", "account_id", "received_at", "id", postgresql_include=["row_bytes"]),
)

# How many requests were rejected and not stored, by reason.
rejected_not_kept = Table(
    "rejected_not_kept",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    timestamp("first_at", nullable=False),
    timestamp("last_at", nullable=False),
)
