"""The ledger: every event, append-only."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp, transaction_id

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
    timestamp("erased_at"),
    Column("content_type", Text),
    Column("idempotency_token", Text),
    # The key that signed it, and the proof: the URL as it was called, X-Twilio-Signature and
    # X-Twilio-Webhooks-Signature-Settings. Null for events from Twilio's API.
    Column("key_id", Text),
    Column("url", Text),
    Column("signature", Text),
    Column("signature_settings", Text),
    timestamp("received_at", nullable=False),
    timestamp("last_received_at", nullable=False),
    Column("deliveries", Integer, nullable=False, server_default=text("1")),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    # When it left the quarantine, and the reason why it had been there.
    timestamp("promoted_at"),
    Column("promoted_from", Text),
    transaction_id(),
    Index("events_job", "job_id", "received_at", "id"),
    Index(
        "events_quarantined",
        "id",
        postgresql_where=text("outcome = 'quarantined'"),
    ),
)
