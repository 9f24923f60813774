"""Store requests that look like callbacks but don't verify: a setting may be wrong."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of the stored requests, and of the counts of the dropped ones."""
    op.execute("""
        CREATE TABLE rejected (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sha256 bytea NOT NULL UNIQUE,
            reason text NOT NULL,
            account_id text NOT NULL,
            job_id text NOT NULL,
            origin text NOT NULL,
            target text NOT NULL,
            headers jsonb NOT NULL,
            body bytea NOT NULL,
            body_bytes integer NOT NULL,
            row_bytes integer NOT NULL,
            received_at timestamptz NOT NULL
        );
        CREATE INDEX rejected_room ON rejected (account_id, received_at, id) INCLUDE (row_bytes);

        CREATE TABLE rejected_not_kept (
            reason text PRIMARY KEY,
            requests bigint NOT NULL,
            first_at timestamptz NOT NULL,
            last_at timestamptz NOT NULL
        );
    """)
