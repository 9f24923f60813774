"""Tables for the metrics: counts of all workers, the workers' state, and figures of all jobs."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables. They stay small: their rows come from closed sets of names and labels."""
    op.execute("""
        CREATE TABLE metric_counts (
            name text NOT NULL,
            labels text[] NOT NULL,
            value double precision NOT NULL,
            PRIMARY KEY (name, labels)
        );

        CREATE TABLE metric_workers (
            id text PRIMARY KEY,
            sequence bigint NOT NULL,
            seen_at timestamptz NOT NULL,
            state jsonb
        );

        CREATE TABLE metric_figures (
            name text PRIMARY KEY,
            figures jsonb,
            computed_at timestamptz,
            attempted_at timestamptz NOT NULL
        );
    """)
