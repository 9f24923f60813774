"""What workers count, and what is computed for the metrics."""

from sqlalchemy import ARRAY, BigInteger, Column, Double, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from receiver.store.tables.columns import metadata, timestamp

# What all workers have counted, by metric and the values of its labels.
metric_counts = Table(
    "metric_counts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", ARRAY(Text), primary_key=True),
    Column("value", Double, nullable=False),
)

# One row for each worker that has counted something, until a day after its end.
metric_workers = Table(
    "metric_workers",
    metadata,
    Column("id", Text, primary_key=True),
    # The number of its last batch in `metric_counts`: so no batch is added twice.
    Column("sequence", BigInteger, nullable=False),
    timestamp("seen_at", nullable=False),
    # A receiver.metrics.worker_state.WorkerState.
    Column("state", JSONB(none_as_null=True)),
)

# Figures that are too slow for each scrape: the newest of each group, and the last attempt.
metric_figures = Table(
    "metric_figures",
    metadata,
    Column("name", Text, primary_key=True),
    Column("figures", JSONB(none_as_null=True)),
    timestamp("computed_at"),
    timestamp("attempted_at", nullable=False),
)
