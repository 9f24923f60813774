"""Compress what comes from now on with lz4, where the server offers it: pglz takes more CPU."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Set the bodies' compression; what is stored already stays as it is, and readable."""
    op.execute("""
        DO $$
        BEGIN
            ALTER TABLE events ALTER COLUMN body SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN
            NULL;  -- this server was built without it
        END
        $$
    """)
