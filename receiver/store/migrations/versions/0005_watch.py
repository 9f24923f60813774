"""Store when a job ended, the source of its transcript, and when to poll it for what."""

from alembic import op

from receiver.store.online_indexes import create_indexes

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create both tables, then add the columns and fill them where they are needed.

    Only the gaps are updated, which are few: a callback of such a job waits until the transaction
    ends. In all other rows a default, which is dropped again, sets the source of the transcript to
    `callback` without a rewrite; until now there was no other source. Until `rebuild`, these rows
    lack the end of their job, and those without a transcript have a source too, but nothing reads
    either.
    """
    op.execute("""
        CREATE TABLE IF NOT EXISTS watches (
            job_id text COLLATE "C" PRIMARY KEY,
            need text NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            unknown integer NOT NULL DEFAULT 0,
            due_at timestamptz,
            gave_up text
        );
        CREATE INDEX IF NOT EXISTS watches_due ON watches (due_at);

        CREATE TABLE IF NOT EXISTS passes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            started_at timestamptz NOT NULL,
            created_after timestamptz NOT NULL,
            leased_until timestamptz NOT NULL,
            completed_at timestamptz,
            ended_at timestamptz,
            token text,
            checked integer NOT NULL DEFAULT 0,
            changed integer NOT NULL DEFAULT 0,
            found integer NOT NULL DEFAULT 0,
            fault text
        );
        CREATE INDEX IF NOT EXISTS passes_complete ON passes (started_at)
            WHERE completed_at IS NOT NULL;
        CREATE UNIQUE INDEX IF NOT EXISTS passes_open ON passes ((true)) WHERE ended_at IS NULL;

        ALTER TABLE transcriptions
            ADD COLUMN IF NOT EXISTS ended_at timestamptz,
            ADD COLUMN IF NOT EXISTS transcript_source text DEFAULT 'callback';
        ALTER TABLE transcriptions ALTER COLUMN transcript_source DROP DEFAULT;
    """)
    # The ALTER TABLE blocks all callbacks until it is committed, so the rest follows afterwards.
    with op.get_context().autocommit_block():
        pass
    op.execute("""
        SET LOCAL statement_timeout = 0;
        UPDATE transcriptions AS t SET
            transcript_source = NULL,
            ended_at = (
                SELECT min(LEAST((head ->> 'updated_at')::timestamptz, received_at))
                FROM events
                WHERE job_id = t.id COLLATE "default" AND outcome <> 'quarantined'
                    AND head ->> 'status' IN ('COMPLETED', 'FAILED')
            )
        WHERE status = 'COMPLETED' AND transcript_sha256 IS NULL
    """)
    create_indexes(
        {
            "transcriptions_gap": (
                "transcriptions (ended_at, first_seen_at, id)"
                " WHERE status = 'COMPLETED' AND transcript_sha256 IS NULL"
            ),
            "transcriptions_conversation_to_come": (
                "transcriptions (id) WHERE status = 'COMPLETED' AND conversation_id IS NULL"
                " AND (resolved_configuration ->> 'conversationConfigurationId' IS NOT NULL"
                " OR resolved_configuration IS NULL AND transcript_sha256 IS NULL)"
            ),
        }
    )
