"""The endpoints of `push`: how far each has received the feed of changes."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table; an interrupted migration can run again."""
    op.execute("""
        CREATE TABLE IF NOT EXISTS push_endpoints (
            name text COLLATE "C" PRIMARY KEY,
            cursor text,
            sequence bigint NOT NULL DEFAULT 0,
            claim uuid,
            claimed_until timestamptz,
            failures integer NOT NULL DEFAULT 0,
            retry_at timestamptz,
            failing_since timestamptz,
            failing_job_id text,
            last_error text,
            disabled_at timestamptz,
            delivered_at timestamptz,
            caught_up_at timestamptz NOT NULL
        );
    """)
