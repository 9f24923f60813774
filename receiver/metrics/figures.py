"""Computes the slow figures: once a minute, in one process, within a time limit."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.runtime.errors import describe
from receiver.runtime.timeouts import time_limit
from receiver.store.clock import database_now
from receiver.store.completeness.figures import completeness
from receiver.store.engine import transactional
from receiver.store.metrics import figures as store
from receiver.store.metrics.figures import Figures
from receiver.store.metrics.write import remove_old_workers
from receiver.store.statement_timeout import StatementTimeoutError, run_with_timeout

logger = logging.getLogger(__name__)

# Of all groups together, in case the database stops answering.
TIMEOUT_SECONDS = 10.0

Compute = Callable[[Connection, timedelta], Figures]


def refresh_figures(
    engine: Engine,
    connections: ConcurrencyLimit,
    *,
    grace: timedelta,
    max_age: timedelta,
    statement_seconds: float,
) -> None:
    """Compute the groups that are older than `max_age`, unless another process is doing so.

    `grace` is how long after a job's end its transcript may still arrive. A group that takes more
    than `statement_seconds`, or fails, keeps its earlier figures. It is tried again after ten times
    `max_age`.
    """
    with (
        connections.hold(TIMEOUT_SECONDS),
        time_limit(TIMEOUT_SECONDS),
        transactional(engine).connect() as connection,
        connection.begin(),
    ):
        names = list(_GROUPS)
        if not (store.due_groups(connection, names, max_age) and store.try_lock(connection)):
            return
        # Only now: another process may have just computed them.
        for name in store.due_groups(connection, names, max_age):
            figures = _compute(connection, name, grace, statement_seconds)
            store.store_figures(connection, name, figures)
        remove_old_workers(connection)


def _compute(connection: Connection, name: str, grace: timedelta, seconds: float) -> Figures | None:
    """Return the group's figures; None if they fail, for example because of a privilege."""
    try:
        with connection.begin_nested():
            return run_with_timeout(connection, seconds, _GROUPS[name], grace)
    except (StatementTimeoutError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        logger.warning("the figures of %s were not computed: %s", name, describe(error))
        return None


def _transcripts(connection: Connection, grace: timedelta) -> Figures:
    figures = completeness(connection, at=database_now(connection), grace=grace)

    return {
        "receiver_transcripts_missing": figures.missing,
        "receiver_oldest_missing_timestamp_seconds": _unix_time(figures.oldest_missing_at),
        "receiver_jobs_completed": figures.completed,
        "receiver_jobs_failed": figures.failed,
    }


def _callbacks(connection: Connection, _grace: timedelta) -> Figures:
    last_at = store.last_callback_at(connection)

    return {
        "receiver_last_callback_timestamp_seconds": _unix_time(last_at),
        "receiver_quarantined": store.count_quarantined(connection),
    }


def _reconcile(connection: Connection, _grace: timedelta) -> Figures:
    completed_at = store.reconcile_completed_at(connection)

    return {"receiver_reconcile_complete_timestamp_seconds": _unix_time(completed_at)}


def _rejected(connection: Connection, _grace: timedelta) -> Figures:
    return {"receiver_rejected_kept": store.count_rejected(connection)}


def _database(connection: Connection, _grace: timedelta) -> Figures:
    return {"receiver_database_bytes": store.database_bytes(connection)}


def _unix_time(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


# The names are those of receiver.metrics.catalog.FIGURES.
_GROUPS: dict[str, Compute] = {
    "transcripts": _transcripts,
    "callbacks": _callbacks,
    "reconcile": _reconcile,
    "rejected": _rejected,
    "database": _database,
}
