"""Erase what callers said, keep proof of it, and hold what must not be erased."""

from alembic import op

from receiver.store.online_indexes import create_indexes, replace_indexes

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns and tables, and leave erased jobs out of the indexes of gaps.

    No column has a default, so no row is rewritten.
    """
    op.execute("""
        ALTER TABLE transcriptions
            ADD COLUMN IF NOT EXISTS erased_at timestamptz,
            ADD COLUMN IF NOT EXISTS transcript_expired_at timestamptz;
        CREATE TABLE IF NOT EXISTS tombstones (
            key text COLLATE "C" PRIMARY KEY,
            erased_at timestamptz NOT NULL,
            erasure_id bigint
        );
        CREATE TABLE IF NOT EXISTS erasure_key (
            is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
            key bytea NOT NULL
        );
        -- 244 random bits, from Postgres's own source of strong randomness.
        INSERT INTO erasure_key (key)
        VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        ON CONFLICT DO NOTHING;
        CREATE TABLE IF NOT EXISTS erasures (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL,
            target text COLLATE "C" NOT NULL,
            account_id text,
            requested_by text NOT NULL,
            reason text,
            requested_at timestamptz NOT NULL,
            completed_at timestamptz,
            counts jsonb NOT NULL DEFAULT '{}'
        );
        CREATE TABLE IF NOT EXISTS holds (
            name text COLLATE "C" PRIMARY KEY,
            kind text NOT NULL,
            value text COLLATE "C" NOT NULL,
            reason text,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL
        );
        CREATE TABLE IF NOT EXISTS retention_progress (
            name text PRIMARY KEY,
            last_id bigint NOT NULL,
            completed_at timestamptz
        );
    """)
    create_indexes(
        {
            "submissions_created": "submissions (created_at, idempotency_key)",
            "transcriptions_erased": (
                "transcriptions (account_id) WHERE status = 'COMPLETED' AND erased_at IS NOT NULL"
            ),
        }
    )
    replace_indexes(
        {
            "transcriptions_without_transcript": (
                "transcriptions (sort_at, id)"
                " WHERE transcript_sha256 IS NULL OR transcript_expired_at IS NOT NULL"
            ),
            "transcriptions_gap": (
                "transcriptions (ended_at, first_seen_at, id) WHERE status = 'COMPLETED'"
                " AND transcript_sha256 IS NULL AND erased_at IS NULL"
            ),
            "transcriptions_conversation_to_come": (
                "transcriptions (id) WHERE status = 'COMPLETED' AND conversation_id IS NULL"
                " AND erased_at IS NULL"
                " AND (resolved_configuration ->> 'conversationConfigurationId' IS NOT NULL"
                " OR resolved_configuration IS NULL AND transcript_sha256 IS NULL)"
            ),
        }
    )
