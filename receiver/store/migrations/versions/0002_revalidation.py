"""Store what is needed to validate a callback again, and the result of that."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; none has a default, so no row is rewritten."""
    op.execute("""
        ALTER TABLE events
            ADD COLUMN url text,
            ADD COLUMN signature text,
            ADD COLUMN signature_settings text,
            ADD COLUMN promoted_at timestamptz,
            ADD COLUMN promoted_from text;
    """)
