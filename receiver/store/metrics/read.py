"""Reads what all workers have counted, the state of those that live, and the slow figures."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, func, select

from receiver.store.clock import database_now
from receiver.store.metrics.readable import TableReader
from receiver.store.push.endpoints import EndpointState, list_endpoints
from receiver.store.rejected.dropped import dropped_counts
from receiver.store.tables import (
    metric_counts,
    metric_figures,
    metric_workers,
    push_endpoints,
    rejected_not_kept,
)

# Of push, by name; None if nothing was ever sent to it.
Endpoints = Mapping[str, EndpointState | None]


class Snapshot(NamedTuple):
    """The metrics in the database. What a table has is None if the table can't be read now."""

    counts: Sequence[Row[Any]] | None = None  # name, labels, value
    states: Sequence[dict[str, Any]] | None = None  # of the workers that live
    figures: Sequence[Row[Any]] | None = None  # name, figures, computed_at
    dropped: Sequence[Row[Any]] | None = None  # as in receiver.store.rejected.dropped
    endpoints: Endpoints | None = None
    # Why each table can't be read, by name; None if it was read.
    tables: Mapping[str, str | None] = {}


class FigureSet(NamedTuple):
    """The slow figures, the state of the workers that live, and that of the endpoints of push.

    What a table has is empty if the table can't be read now.
    """

    groups: Mapping[str, Row[Any]]  # by name: figures, computed_at
    states: Sequence[dict[str, Any]]
    endpoints: Endpoints
    read_at: datetime  # by the database's clock
    tables: Mapping[str, str | None] = {}  # as in Snapshot


def read_snapshot(
    connection: Connection, *, max_age: timedelta, endpoints: Collection[str] = ()
) -> Snapshot:
    """Return the metrics; a worker lives if it was seen within `max_age`.

    `endpoints` are the names of those that the settings name. The connection must be in a
    transaction.
    """
    reader = TableReader(connection)

    return Snapshot(
        reader.read(metric_counts, partial(_read_all, metric_counts)),
        reader.read(metric_workers, partial(_read_states, max_age)),
        reader.read(metric_figures, partial(_read_all, metric_figures)),
        reader.read(rejected_not_kept, dropped_counts),
        _read_endpoints(reader, endpoints),
        reader.reasons,
    )


def read_figures(
    connection: Connection, *, max_age: timedelta, endpoints: Collection[str] = ()
) -> FigureSet:
    """Return the figures without the counts; the arguments are those of `read_snapshot`."""
    reader = TableReader(connection)
    rows = reader.read(metric_figures, partial(_read_all, metric_figures))

    return FigureSet(
        {row.name: row for row in rows or ()},
        reader.read(metric_workers, partial(_read_states, max_age)) or (),
        _read_endpoints(reader, endpoints) or {},
        database_now(connection),
        reader.reasons,
    )


def _read_all(table: Table, connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(table)).all()


def _read_states(max_age: timedelta, connection: Connection) -> Sequence[dict[str, Any]]:
    states = select(metric_workers.c.state).where(
        metric_workers.c.seen_at > func.clock_timestamp() - max_age,
        metric_workers.c.state.is_not(None),
    )

    return connection.execute(states).scalars().all()


def _read_endpoints(reader: TableReader, names: Collection[str]) -> Endpoints | None:
    if not names:
        return {}
    states = reader.read(push_endpoints, list_endpoints)
    if states is None:
        return None
    by_name = {state.name: state for state in states}

    return {name: by_name.get(name) for name in names}
