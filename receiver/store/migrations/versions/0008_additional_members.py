"""Store the members of a job that Twilio adds, and that no column has."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; it has no default, so no row is rewritten. `rebuild` fills it."""
    op.execute("ALTER TABLE transcriptions ADD COLUMN IF NOT EXISTS additional jsonb")
