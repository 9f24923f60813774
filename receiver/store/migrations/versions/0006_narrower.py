"""Write less for each callback: lz4 if the server has it, and no index entries for nulls."""

from alembic import op

from receiver.store.online_indexes import replace_indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Set the compression of the bodies, and replace the indexes of columns with many nulls.

    Stored bodies stay as they are, and readable.
    """
    op.execute("""
        DO $$
        BEGIN
            ALTER TABLE events ALTER COLUMN body SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN
            NULL;  -- this server was built without it
        END
        $$
    """)
    replace_indexes(
        {
            f"transcriptions_{name}": (
                f"transcriptions ({column}, sort_at, id) WHERE {column} IS NOT NULL"
            )
            for name, column in (
                ("source", "source_id"),
                ("conversation", "conversation_id"),
                ("language", "language"),
            )
        }
    )
