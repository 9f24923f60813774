"""What Twilio was asked to transcribe."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp

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
    timestamp("created_at", nullable=False),
    timestamp("asked_at", nullable=False),  # the last attempt
    # Set if Twilio accepted it: when, the job, and the event with the response.
    timestamp("answered_at"),
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
