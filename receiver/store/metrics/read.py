"""Reads what all workers have counted, the state of those that live, and the slow figures."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from receiver.store.rejected.dropped import dropped_counts
from receiver.store.tables import metric_counts, metric_figures, metric_workers


class Snapshot(NamedTuple):
    """The metrics in the database."""

    counts: Sequence[Row[Any]]  # name, labels, value
    states: Sequence[dict[str, Any]]  # of the workers that live
    figures: Sequence[Row[Any]]  # name, figures, computed_at
    dropped: Sequence[Row[Any]]  # as in receiver.store.rejected.dropped


def read_snapshot(connection: Connection, *, max_age: timedelta) -> Snapshot:
    """Return the metrics; a worker lives if it was seen within `max_age`."""
    states = select(metric_workers.c.state).where(
        metric_workers.c.seen_at > func.clock_timestamp() - max_age,
        metric_workers.c.state.is_not(None),
    )

    return Snapshot(
        connection.execute(select(metric_counts)).all(),
        connection.execute(states).scalars().all(),
        connection.execute(select(metric_figures)).all(),
        dropped_counts(connection),
    )
