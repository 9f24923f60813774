"""Audit who reads transcripts and bodies."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table; an interrupted migration can run again."""
    op.execute("""
        CREATE TABLE IF NOT EXISTS audit (
            at timestamptz NOT NULL DEFAULT now(),
            id bigint GENERATED ALWAYS AS IDENTITY,
            reader text COLLATE "C" NOT NULL,
            job_id text COLLATE "C",
            callback_id bigint,
            route text NOT NULL,
            format text NOT NULL,
            status smallint,
            request_id text,
            PRIMARY KEY (at, id)
        );
        CREATE INDEX IF NOT EXISTS audit_job ON audit (job_id, at);
        CREATE INDEX IF NOT EXISTS audit_reader ON audit (reader, at);
    """)
