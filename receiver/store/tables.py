"""The tables: `events` (the append-only ledger), `transcriptions` (its jobs), and a few others."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import UserDefinedType

from schemas.parameters import MAX_FILTER_CHARACTERS

metadata = MetaData()


class TransactionId(UserDefinedType[str]):
    """The type `xid8` of Postgres: the 64-bit id of a transaction, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in Postgres."""
        return "xid8"


def _timestamp(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _transaction_id() -> Column[str]:
    # Change feeds can rely on the order of transaction ids, but not on a sequence or a clock.
    return Column(
        "transaction_id",
        TransactionId,
        nullable=False,
        server_default=text("pg_current_xact_id()"),
    )


# One row for each distinct body that Twilio sent, with any outcome.
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Identifies repeated deliveries: the SHA-256 of the body, or of a form's signed text.
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("job_id", Text),
    Column("account_id", Text),
    # The validated head, null without one. The sentences are only in the body.
    Column("head", JSONB(none_as_null=True)),
    # The exact bytes, stored nowhere else. Null after they were erased; the digest stays.
    Column("body", LargeBinary),
    Column("body_bytes", Integer, nullable=False),
    _timestamp("erased_at"),
    Column("content_type", Text),
    Column("idempotency_token", Text),
    # The key that signed it, and the proof: the URL as it was called, X-Twilio-Signature and
    # X-Twilio-Webhooks-Signature-Settings. Null for events from Twilio's API.
    Column("key_id", Text),
    Column("url", Text),
    Column("signature", Text),
    Column("signature_settings", Text),
    _timestamp("received_at", nullable=False),
    _timestamp("last_received_at", nullable=False),
    Column("deliveries", Integer, nullable=False, server_default=text("1")),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    # When it left the quarantine, and the reason why it had been there.
    _timestamp("promoted_at"),
    Column("promoted_from", Text),
    _transaction_id(),
    Index("events_job", "job_id", "received_at", "id"),
    Index(
        "events_quarantined",
        "id",
        postgresql_where=text("outcome = 'quarantined'"),
    ),
)


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
    _timestamp("audio_started_at"),
    Column("participants", JSONB(none_as_null=True)),
    Column("resolved_configuration", JSONB(none_as_null=True)),
    Column("language", Text),
    _timestamp("created_at"),
    _timestamp("updated_at"),
    # Members that have no column, from the newest event with such members.
    Column("additional", JSONB(none_as_null=True)),
    # When the first callback was received; null if there was none.
    _timestamp("received_at"),
    # When the first event of any source was received.
    _timestamp("first_seen_at", nullable=False),
    Column(
        "sort_at",
        DateTime(timezone=True),
        Computed("COALESCE(created_at, first_seen_at)", persisted=True),
        nullable=False,
    ),
    # The earliest end of the job according to a terminal event: its `updated_at`, or the time when
    # the event was received if that was earlier.
    _timestamp("ended_at"),
    # The event with the transcript in its body, its source, and the number of sentences.
    Column("transcript_sha256", LargeBinary),
    Column("transcript_source", Text),
    Column("sentences", Integer),
    # When the job was erased: its personal columns are null from then on.
    _timestamp("erased_at"),
    # When the body with its transcript reached the end of its retention. Not a part of the fold.
    _timestamp("transcript_expired_at"),
    # The order key of the newest event (FoldInput.key). A newer event's key is greater.
    Column("key_terminal", SmallInteger, nullable=False),
    _timestamp("key_updated_at", nullable=False),
    Column("key_source", SmallInteger, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    _transaction_id(),
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

# The jobs to poll, and when.
watches = Table(
    "watches",
    metadata,
    Column("job_id", Text(collation="C"), primary_key=True),
    # A receiver.store.polls.reasons.PollReason, and how many polls for it had no result.
    Column("need", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # How many times in a row Twilio didn't know the job.
    Column("unknown", Integer, nullable=False, server_default=text("0")),
    # When to poll; while a process polls the job, the end of its lease. Null: given up.
    _timestamp("due_at"),
    Column("gave_up", Text),  # a receiver.store.polls.queue.GiveUpReason
    Index("watches_due", "due_at"),
)

# The scans of Twilio's list of jobs. A scan that didn't read every page has no `completed_at`.
passes = Table(
    "passes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _timestamp("started_at", nullable=False),
    _timestamp("created_after", nullable=False),
    # After this time another process may treat the scan as interrupted.
    _timestamp("leased_until", nullable=False),
    _timestamp("completed_at"),
    _timestamp("ended_at"),
    # The next page, for a scan that is continued.
    Column("token", Text),
    Column("checked", Integer, nullable=False, server_default=text("0")),
    Column("changed", Integer, nullable=False, server_default=text("0")),
    Column("found", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),  # why it ended incomplete
    Index("passes_complete", "started_at", postgresql_where=text("completed_at IS NOT NULL")),
    # At most one scan is in progress.
    Index("passes_open", text("(true)"), unique=True, postgresql_where=text("ended_at IS NULL")),
)

# One row for each submission, committed before it is sent to Twilio.
submissions = Table(
    "submissions",
    metadata,
    # Identifies a repeated submission, to Twilio and to us.
    Column("idempotency_key", Text(collation="C"), primary_key=True),
    # Canonical JSON.
    Column("request", Text, nullable=False),
    # The name of the API key, or the command.
    Column("submitted_by", Text, nullable=False),
    _timestamp("created_at", nullable=False),
    _timestamp("asked_at", nullable=False),  # the last attempt
    # Set if Twilio accepted it: when, the job, and the event with the response.
    _timestamp("answered_at"),
    Column("job_id", Text(collation="C")),
    Column("event_id", BigInteger),
    # Set if Twilio refused it: status, code, detail and errors. If it is repeated, it is sent
    # again.
    Column("refusal", JSONB(none_as_null=True)),
    Index(
        "submissions_unanswered",
        "asked_at",
        postgresql_where=text("answered_at IS NULL AND refusal IS NULL"),
    ),
    Index("submissions_created", "created_at", "idempotency_key"),
)

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
    _timestamp("received_at", nullable=False),
    Index("rejected_room", "account_id", "received_at", "id", postgresql_include=["row_bytes"]),
)

# How many requests were rejected and not stored, by reason.
rejected_not_kept = Table(
    "rejected_not_kept",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    _timestamp("first_at", nullable=False),
    _timestamp("last_at", nullable=False),
)

# What was erased or has expired. It must not be stored again, so these rows outlive the others.
tombstones = Table(
    "tombstones",
    metadata,
    # A receiver.store.erasure.tombstones key: a job's id, a body's digest, or the keyed hash of an
    # address or a conversation.
    Column("key", Text(collation="C"), primary_key=True),
    _timestamp("erased_at", nullable=False),
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
    _timestamp("requested_at", nullable=False),
    # Null while it runs, or if it was interrupted.
    _timestamp("completed_at"),
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
    _timestamp("created_at", nullable=False),
)

# How far the passes of the retention have come.
retention_progress = Table(
    "retention_progress",
    metadata,
    Column("name", Text, primary_key=True),
    # Events up to this id have been processed.
    Column("last_id", BigInteger, nullable=False),
    # When the last pass reached its end.
    _timestamp("completed_at"),
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

# What all workers have counted, by metric and the values of its labels.
metric_counts = Table(
    "metric_counts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", ARRAY(Text), primary_key=True),
    Column("value", Double, nullable=False),
)

# One row for each worker that has counted something, until a day after its end.
metric_workers = Table(
    "metric_workers",
    metadata,
    Column("id", Text, primary_key=True),
    # The number of its last batch in `metric_counts`: so no batch is added twice.
    Column("sequence", BigInteger, nullable=False),
    _timestamp("seen_at", nullable=False),
    # A receiver.metrics.worker_state.WorkerState.
    Column("state", JSONB(none_as_null=True)),
)

# Figures that are too slow for each scrape: the newest of each group, and the last attempt.
metric_figures = Table(
    "metric_figures",
    metadata,
    Column("name", Text, primary_key=True),
    Column("figures", JSONB(none_as_null=True)),
    _timestamp("computed_at"),
    _timestamp("attempted_at", nullable=False),
)

# One row for each endpoint of `push`: it has received the feed of changes up to the cursor. What
# waits is read from the feed, and stored nowhere else.
push_endpoints = Table(
    "push_endpoints",
    metadata,
    Column("name", Text(collation="C"), primary_key=True),
    # Of receiver.changes.cursor; null: the beginning of the feed.
    Column("cursor", Text),
    # The number of the last attempt.
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    # The process that sends, until its lease ends.
    Column("claim", Uuid),
    _timestamp("claimed_until"),
    # How often the change after the cursor was refused or not answered, and when to try again.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    _timestamp("retry_at"),
    _timestamp("failing_since"),
    Column("failing_job_id", Text),
    Column("last_error", Text),
    # It answered 410, and gets nothing more.
    _timestamp("disabled_at"),
    _timestamp("delivered_at"),
    # When it was last known to have everything.
    _timestamp("caught_up_at", nullable=False),
)

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
    _timestamp("sort_at", nullable=False),
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
    _timestamp("began_at"),
    # Every change that was committed before this time is indexed. Null before the first sweep ends.
    _timestamp("indexed_through"),
)
