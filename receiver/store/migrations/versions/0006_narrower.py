"""Write less for each callback: lz4 if the server has it, and no index entries for nulls."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Set the compression of the bodies, and recreate the indexes of columns with many nulls.

    Stored bodies stay as they are, and readable. Callbacks wait while the indexes are created: a
    few seconds for a million jobs.
    """
    op.execute("""
        DO $$
        BEGIN
            ALTER TABLE events ALTER COLUMN body SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN
            NULL;  -- this server was built without it
        END
        $$;

        DROP INDEX transcriptions_source, transcriptions_conversation, transcriptions_language;
        CREATE INDEX transcriptions_source ON transcriptions (source_id, sort_at, id)
            WHERE source_id IS NOT NULL;
        CREATE INDEX transcriptions_conversation ON transcriptions (conversation_id, sort_at, id)
            WHERE conversation_id IS NOT NULL;
        CREATE INDEX transcriptions_language ON transcriptions (language, sort_at, id)
            WHERE language IS NOT NULL;
    """)
