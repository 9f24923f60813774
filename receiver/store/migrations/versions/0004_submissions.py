"""Store each submission before it is sent to Twilio."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table, and the index of the submissions without an answer."""
    op.execute("""
        CREATE TABLE submissions (
            idempotency_key text COLLATE "C" PRIMARY KEY,
            request text NOT NULL,
            submitted_by text NOT NULL,
            created_at timestamptz NOT NULL,
            asked_at timestamptz NOT NULL,
            answered_at timestamptz,
            job_id text COLLATE "C",
            event_id bigint,
            refusal jsonb
        );
        CREATE INDEX submissions_unanswered ON submissions (asked_at)
            WHERE answered_at IS NULL AND refusal IS NULL;
    """)
