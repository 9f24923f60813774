"""The index of the search."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from receiver.store.tables.columns import metadata, timestamp

# The words of the transcripts, for the search. A row is derived from a body: it goes with it.
transcript_index = Table(
    "transcript_index",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", Text(collation="C"), nullable=False),
    # 0 has all words of the transcript. A long transcript also has parts from 1 on, because a
    # vector has the positions of the first 16,383 words only. Then part 0 has no positions.
    Column("part", SmallInteger, nullable=False),
    # The text search configuration that made the vector.
    Column("config", Text(collation="C"), nullable=False),
    Column("vector", TSVECTOR, nullable=False),
    timestamp("sort_at", nullable=False),
    # The event with the transcript, and the version of what made the row of it.
    Column("source_sha256", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Index("transcript_index_part", "job_id", "part", unique=True),
    Index("transcript_index_newest", "sort_at", "job_id"),
    Index("transcript_index_config", "config"),
    # With a list of pending entries, some search would have to read and merge it.
    Index(
        "transcript_index_vector",
        "vector",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    ),
)

# How far the change feed is indexed for the search, in one row.
search_progress = Table(
    "search_progress",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("version", Integer, nullable=False),
    # A place in the change feed (receiver.changes.cursor); null: at its beginning.
    Column("cursor", Text),
    # When the present sweep of the feed began; null between two sweeps.
    timestamp("began_at"),
    # Every change that was committed before this time is indexed. Null before the first sweep ends.
    timestamp("indexed_through"),
)
