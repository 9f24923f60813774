"""Create the ledger and the jobs."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create both tables and their indexes."""
    op.execute("""
        CREATE TABLE events (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sha256 bytea NOT NULL UNIQUE,
            source text NOT NULL,
            job_id text,
            account_id text,
            head jsonb,
            body bytea,
            body_bytes integer NOT NULL,
            erased_at timestamptz,
            content_type text,
            idempotency_token text,
            key_id text,
            received_at timestamptz NOT NULL,
            last_received_at timestamptz NOT NULL,
            deliveries integer NOT NULL DEFAULT 1,
            outcome text NOT NULL,
            reason text,
            detail text,
            transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
        );
        CREATE INDEX events_job ON events (job_id, received_at, id);
        CREATE INDEX events_quarantined ON events (id) WHERE outcome = 'quarantined';

        CREATE TABLE transcriptions (
            id text COLLATE "C" PRIMARY KEY,
            account_id text NOT NULL,
            status text NOT NULL,
            configuration_id text,
            source_id text,
            media_url text,
            conversation_id text,
            conversation_url text,
            duration integer,
            audio_started_at timestamptz,
            participants jsonb,
            resolved_configuration jsonb,
            language text,
            created_at timestamptz,
            updated_at timestamptz,
            received_at timestamptz,
            first_seen_at timestamptz NOT NULL,
            sort_at timestamptz NOT NULL
                GENERATED ALWAYS AS (COALESCE(created_at, first_seen_at)) STORED,
            transcript_sha256 bytea,
            sentences integer,
            key_terminal smallint NOT NULL,
            key_updated_at timestamptz NOT NULL,
            key_source smallint NOT NULL,
            key_sha256 bytea NOT NULL,
            transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
        );
        CREATE INDEX transcriptions_newest ON transcriptions (sort_at, id);
        CREATE INDEX transcriptions_status ON transcriptions (status, sort_at, id);
        CREATE INDEX transcriptions_source ON transcriptions (source_id, sort_at, id);
        CREATE INDEX transcriptions_conversation ON transcriptions (conversation_id, sort_at, id);
        CREATE INDEX transcriptions_configuration
            ON transcriptions (configuration_id, sort_at, id);
        CREATE INDEX transcriptions_language ON transcriptions (language, sort_at, id);
        CREATE INDEX transcriptions_without_transcript ON transcriptions (sort_at, id)
            WHERE transcript_sha256 IS NULL;
    """)
