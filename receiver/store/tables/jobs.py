"""The jobs."""

from sqlalchemy import (
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp, transaction_id
from schemas.parameters import MAX_FILTER_CHARACTERS

# The addresses of a job's participants, of whom Twilio allows two. An index may be too small
# for a long one. So it is cut, but to one character more than a filter may have.
ADDRESSES = tuple(
    f"left((participants -> {place}) ->> 'address', {MAX_FILTER_CHARACTERS + 1})"
    for place in (0, 1)
)


def _partial_index(name: str, column: str) -> Index:
    """Return the index for a filter by a column; it omits the many jobs with null in it."""
    return Index(
        f"transcriptions_{name}",
        *(column, "sort_at", "id"),
        postgresql_where=text(f"{column} IS NOT NULL"),
    )


# One row for each job: the fold of its events.
transcriptions = Table(
    "transcriptions",
    metadata,
    # Pages follow the order of this column, which must not depend on a locale or its version.
    Column("id", Text(collation="C"), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("configuration_id", Text),
    Column("source_id", Text),
    Column("media_url", Text),
    Column("conversation_id", Text),
    Column("conversation_url", Text),
    Column("duration", Integer),
    timestamp("audio_started_at"),
    Column("participants", JSONB(none_as_null=True)),
    Column("resolved_configuration", JSONB(none_as_null=True)),
    Column("language", Text),
    timestamp("created_at"),
    timestamp("updated_at"),
    # Members that have no column, from the newest event with such members.
    Column("additional", JSONB(none_as_null=True)),
    # When the first callback was received; null if there was none.
    timestamp("received_at"),
    # When the first event of any source was received.
    timestamp("first_seen_at", nullable=False),
    Column(
        "sort_at",
        DateTime(timezone=True),
        Computed("COALESCE(created_at, first_seen_at)", persisted=True),
        nullable=False,
    ),
    # The earliest end of the job according to a terminal event: its `updated_at`, or the time when
    # the event was received if that was earlier.
    timestamp("ended_at"),
    # The event with the transcript in its body, its source, and the number of sentences.
    Column("transcript_sha256", LargeBinary),
    Column("transcript_source", Text),
    Column("sentences", Integer),
    # When the job was erased: its personal columns are null from then on.
    timestamp("erased_at"),
    # When the body with its transcript reached the end of its retention. Not a part of the fold.
    timestamp("transcript_expired_at"),
    # The order key of the newest event (FoldInput.key). A newer event's key is greater.
    Column("key_terminal", SmallInteger, nullable=False),
    timestamp("key_updated_at", nullable=False),
    Column("key_source", SmallInteger, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    transaction_id(),
    Index("transcriptions_newest", "sort_at", "id"),
    Index("transcriptions_status", "status", "sort_at", "id"),
    _partial_index("source", "source_id"),
    _partial_index("conversation", "conversation_id"),
    Index("transcriptions_configuration", "configuration_id", "sort_at", "id"),
    _partial_index("language", "language"),
    Index("transcriptions_account", "account_id", "sort_at", "id"),
    *(
        Index(
            f"transcriptions_address_{number}",
            text(address),
            "sort_at",
            "id",
            postgresql_where=text(f"{address} IS NOT NULL"),
        )
        for number, address in enumerate(ADDRESSES, 1)
    ),
    # The change feed.
    Index("transcriptions_changes", "transaction_id", "id"),
    # For clients that ask for what is new; few jobs are newer than such a time.
    Index("transcriptions_updated", "updated_at"),
    Index(
        "transcriptions_received", "received_at", postgresql_where=text("received_at IS NOT NULL")
    ),
    Index(
        "transcriptions_without_transcript",
        "sort_at",
        "id",
        postgresql_where=text("transcript_sha256 IS NULL OR transcript_expired_at IS NOT NULL"),
    ),
    # Gaps: completed jobs without a stored transcript.
    Index(
        "transcriptions_gap",
        "ended_at",
        "first_seen_at",
        "id",
        postgresql_where=text(
            "status = 'COMPLETED' AND transcript_sha256 IS NULL AND erased_at IS NULL"
        ),
    ),
    # Completed jobs that lack their transcript on purpose: they are counted.
    Index(
        "transcriptions_erased",
        "account_id",
        postgresql_where=text("status = 'COMPLETED' AND erased_at IS NOT NULL"),
    ),
    # Jobs with a transcript that is, or may be, stored in a conversation with a still unknown id.
    Index(
        "transcriptions_conversation_to_come",
        "id",
        postgresql_where=text(
            "status = 'COMPLETED' AND conversation_id IS NULL AND erased_at IS NULL"
            " AND (resolved_configuration ->> 'conversationConfigurationId' IS NOT NULL"
            " OR resolved_configuration IS NULL AND transcript_sha256 IS NULL)"
        ),
    ),
)
