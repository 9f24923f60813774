"""Reads what all workers have counted, the state of those that live, and the slow figures."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import ProgrammingError

from receiver.store.clock import database_now
from receiver.store.push.endpoints import EndpointState, list_endpoints
from receiver.store.rejected.dropped import dropped_counts
from receiver.store.tables import metric_counts, metric_figures, metric_workers


class Snapshot(NamedTuple):
    """The metrics in the database."""

    counts: Sequence[Row[Any]]  # name, labels, value
    states: Sequence[dict[str, Any]]  # of the workers that live
    figures: Sequence[Row[Any]]  # name, figures, computed_at
    dropped: Sequence[Row[Any]]  # as in receiver.store.rejected.dropped
    # The endpoints of push, by name; None if nothing was ever sent to it, or if its state can't be
    # read.
    endpoints: Mapping[str, EndpointState | None]


class FigureSet(NamedTuple):
    """The slow figures, the state of the workers that live, and that of the endpoints of push."""

    groups: Mapping[str, Row[Any]]  # by name: figures, computed_at
    states: Sequence[dict[str, Any]]
    endpoints: Mapping[str, EndpointState | None]  # as in Snapshot
    read_at: datetime  # by the database's clock


def read_snapshot(
    connection: Connection, *, max_age: timedelta, endpoints: Collection[str] = ()
) -> Snapshot:
    """Return the metrics; a worker lives if it was seen within `max_age`.

    `endpoints` are the names of those that the settings name.
    """
    return Snapshot(
        connection.execute(select(metric_counts)).all(),
        _read_states(connection, max_age),
        connection.execute(select(metric_figures)).all(),
        dropped_counts(connection),
        _read_endpoints(connection, endpoints),
    )


def read_figures(
    connection: Connection, *, max_age: timedelta, endpoints: Collection[str] = ()
) -> FigureSet:
    """Return the figures without the counts; the arguments are those of `read_snapshot`."""
    rows = connection.execute(select(metric_figures)).all()
    read_at = database_now(connection)

    return FigureSet(
        {row.name: row for row in rows},
        _read_states(connection, max_age),
        _read_endpoints(connection, endpoints),
        read_at,
    )


def _read_endpoints(
    connection: Connection, names: Collection[str]
) -> Mapping[str, EndpointState | None]:
    """Return the states. It is the last statement, because its error ends the transaction.

    Without the table or the privilege to read it, push doesn't work, but the other metrics do.
    """
    try:
        states = {state.name: state for state in list_endpoints(connection)} if names else {}
    except ProgrammingError:
        states = {}

    return {name: states.get(name) for name in names}


def _read_states(connection: Connection, max_age: timedelta) -> Sequence[dict[str, Any]]:
    states = select(metric_workers.c.state).where(
        metric_workers.c.seen_at > func.clock_timestamp() - max_age,
        metric_workers.c.state.is_not(None),
    )

    return connection.execute(states).scalars().all()
