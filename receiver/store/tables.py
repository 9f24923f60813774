"""The tables: `events`, the append-only ledger, `transcriptions`, its jobs, and a few others."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class TransactionId(UserDefinedType[str]):
    """Postgres's `xid8`: the 64-bit id of a transaction, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in Postgres."""
        return "xid8"


def _moment(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _written_by() -> Column[str]:
    # A change feed can rely on the writer's transaction id; not on a sequence, nor on a clock.
    return Column(
        "transaction_id",
        TransactionId,
        nullable=False,
        server_default=text("pg_current_xact_id()"),
    )


# One row for each distinct body that Twilio has told us, whatever became of it.
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # What makes two deliveries the same: the SHA-256 of the body, or of a form's distinct pairs.
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("job_id", Text),
    Column("account_id", Text),
    # The validated head, null where there is none; the sentences stay in the body.
    Column("head", JSONB(none_as_null=True)),
    # The exact bytes, stored here and nowhere else; null once erased, while the digest stays.
    Column("body", LargeBinary),
    Column("body_bytes", Integer, nullable=False),
    _moment("erased_at"),
    Column("content_type", Text),
    Column("idempotency_token", Text),
    # Which key signed it, and what shows that: the URL as it was called, X-Twilio-Signature and
    # X-Twilio-Webhooks-Signature-Settings. Null for what we fetched ourselves.
    Column("key_id", Text),
    Column("url", Text),
    Column("signature", Text),
    Column("signature_settings", Text),
    _moment("received_at", nullable=False),
    _moment("last_received_at", nullable=False),
    Column("deliveries", Integer, nullable=False, server_default=text("1")),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    # When it ceased to be quarantined, and for what reason it had been.
    _moment("promoted_at"),
    Column("promoted_from", Text),
    _written_by(),
    Index("events_job", "job_id", "received_at", "id"),
    Index(
        "events_quarantined",
        "id",
        postgresql_where=text("outcome = 'quarantined'"),
    ),
)


def _index_of_some(name: str, column: str) -> Index:
    """Return the index for a filter by what many jobs don't have: these aren't in it."""
    return Index(
        f"transcriptions_{name}",
        *(column, "sort_at", "id"),
        postgresql_where=text(f"{column} IS NOT NULL"),
    )


# One row for each job: the fold of its events, in columns that the filters need.
transcriptions = Table(
    "transcriptions",
    metadata,
    # Pages are cut by this order, which must not change with a locale or its next version.
    Column("id", Text(collation="C"), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("configuration_id", Text),
    Column("source_id", Text),
    Column("media_url", Text),
    Column("conversation_id", Text),
    Column("conversation_url", Text),
    Column("duration", Integer),
    _moment("audio_started_at"),
    Column("participants", JSONB(none_as_null=True)),
    Column("resolved_configuration", JSONB(none_as_null=True)),
    Column("language", Text),
    _moment("created_at"),
    _moment("updated_at"),
    # The least over the callbacks: null while nothing but ourselves has told of the job.
    _moment("received_at"),
    # The least over all events.
    _moment("first_seen_at", nullable=False),
    Column(
        "sort_at",
        DateTime(timezone=True),
        Computed("COALESCE(created_at, first_seen_at)", persisted=True),
        nullable=False,
    ),
    # The least over the terminal events: when each says that the job was over, and at the latest
    # when it came.
    _moment("ended_at"),
    # The event whose body holds the transcript, its source, and how many sentences it has.
    Column("transcript_sha256", LargeBinary),
    Column("transcript_source", Text),
    Column("sentences", Integer),
    # The order key of the newest event, which a newer one must exceed; never null.
    Column("key_terminal", SmallInteger, nullable=False),
    _moment("key_updated_at", nullable=False),
    Column("key_source", SmallInteger, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    _written_by(),
    Index("transcriptions_newest", "sort_at", "id"),
    Index("transcriptions_status", "status", "sort_at", "id"),
    _index_of_some("source", "source_id"),
    _index_of_some("conversation", "conversation_id"),
    Index("transcriptions_configuration", "configuration_id", "sort_at", "id"),
    _index_of_some("language", "language"),
    Index(
        "transcriptions_without_transcript",
        "sort_at",
        "id",
        postgresql_where=text("transcript_sha256 IS NULL"),
    ),
    # The promised transcripts that aren't here.
    Index(
        "transcriptions_gap",
        "ended_at",
        "first_seen_at",
        "id",
        postgresql_where=text("status = 'COMPLETED' AND transcript_sha256 IS NULL"),
    ),
    # The jobs whose transcript goes into a conversation that we don't know yet, or may go there.
    Index(
        "transcriptions_conversation_to_come",
        "id",
        postgresql_where=text(
            "status = 'COMPLETED' AND conversation_id IS NULL"
            " AND (resolved_configuration ->> 'conversationConfigurationId' IS NOT NULL"
            " OR resolved_configuration IS NULL AND transcript_sha256 IS NULL)"
        ),
    ),
)

# The jobs of which Twilio has more to tell, and when to ask it.
watches = Table(
    "watches",
    metadata,
    Column("job_id", Text(collation="C"), primary_key=True),
    # What is to be asked for, as receiver.store.polls.reasons has it, and how often it was in vain.
    Column("need", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # How often in a row Twilio knew of no such job.
    Column("unknown", Integer, nullable=False, server_default=text("0")),
    # When to ask; of a job that somebody is asking about, when another may. Null: given up.
    _moment("due_at"),
    Column("gave_up", Text),  # a code that says why
    Index("watches_due", "due_at"),
)

# The passes over Twilio's list of jobs. One that didn't read all of it has no `completed_at`.
passes = Table(
    "passes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("started_at", nullable=False),
    _moment("created_after", nullable=False),
    # Until when nobody else may take it for dead.
    _moment("leased_until", nullable=False),
    _moment("completed_at"),
    _moment("ended_at"),
    # The page to go on with, should it be cut short.
    Column("token", Text),
    Column("checked", Integer, nullable=False, server_default=text("0")),
    Column("changed", Integer, nullable=False, server_default=text("0")),
    Column("found", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),  # why it ended incomplete
    Index("passes_complete", "started_at", postgresql_where=text("completed_at IS NOT NULL")),
    # At most one is under way.
    Index("passes_open", text("(true)"), unique=True, postgresql_where=text("ended_at IS NULL")),
)

# One row for each job that Twilio was to be asked for, committed before it is asked.
submissions = Table(
    "submissions",
    metadata,
    # Twilio knows a repeat by it, and so do we.
    Column("idempotency_key", Text(collation="C"), primary_key=True),
    # The canonical JSON of what is sent.
    Column("request", Text, nullable=False),
    # The name of the API key, or the command.
    Column("submitted_by", Text, nullable=False),
    _moment("created_at", nullable=False),
    _moment("asked_at", nullable=False),  # the last time
    # Twilio took it: as which job, and the event that holds its answer.
    _moment("answered_at"),
    Column("job_id", Text(collation="C")),
    Column("event_id", BigInteger),
    # Twilio didn't: status, code, detail and errors. A repeat asks again.
    Column("refusal", JSONB(none_as_null=True)),
    Index(
        "submissions_unanswered",
        "asked_at",
        postgresql_where=text("answered_at IS NULL AND refusal IS NULL"),
    ),
)

# One row for each request that looks like a callback but doesn't verify. Nothing in it is proved.
rejected = Table(
    "rejected",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    # What the body claims.
    Column("account_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    # What its signature speaks about: the request's own origin, path and query as the request line
    # had them, and the headers that an allow-list lets through.
    Column("origin", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_bytes", Integer, nullable=False),
    # What it takes of its account's quota: all that a stranger may choose the length of.
    Column("row_bytes", Integer, nullable=False),
    _moment("received_at", nullable=False),
    Index("rejected_room", "account_id", "received_at", "id", postgresql_include=["row_bytes"]),
)

# How many requests might have been among them and aren't, and since when.
rejected_not_kept = Table(
    "rejected_not_kept",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    _moment("first_at", nullable=False),
    _moment("last_at", nullable=False),
)
