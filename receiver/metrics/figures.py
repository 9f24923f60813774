"""Computes the slow figures: once a minute, in one process, within a time limit."""

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

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
from receiver.store.search.progress import indexed_through
from receiver.store.statement_timeout import StatementTimeoutError, run_with_timeout

logger = logging.getLogger(__name__)

# Of all groups together, in case the database stops answering.
TIMEOUT_SECONDS = 10.0


class Counting(NamedTuple):
    """How to count."""

    grace: timedelta  # how long after a job's end its transcript may still arrive
    accounts: Collection[str] = ()  # those with figures of their own, besides those of all
    endpoints: Collection[str] = ()  # those of push that the settings name
    has_search: bool = False  # whether the search is on


HOURS = 24  # of the console's chart, this hour included

Compute = Callable[[Connection], Figures]


def refresh_figures(
    engine: Engine,
    connections: ConcurrencyLimit,
    *,
    counting: Counting,
    max_age: timedelta,
    statement_seconds: float,
) -> None:
    """Compute the groups that are older than `max_age`, unless another process is doing so.

    A group that takes more than `statement_seconds`, or fails, keeps its earlier figures. It is
    tried again after ten times `max_age`. Each group is committed by itself: if the time ends, or
    the connection fails, the groups before it are stored.
    """
    groups = _groups(counting)
    with (
        connections.hold(TIMEOUT_SECONDS),
        time_limit(TIMEOUT_SECONDS),
        transactional(engine).connect() as connection,
    ):
        with connection.begin():
            due = store.due_groups(connection, list(groups), max_age)
        for name in due:
            with connection.begin():
                if not store.try_lock(connection):
                    return
                # Only now: another process may have just computed it.
                if store.due_groups(connection, [name], max_age):
                    figures = _compute(connection, name, groups[name], statement_seconds)
                    store.store_figures(connection, name, figures)
        if due:
            with connection.begin():
                remove_old_workers(connection)


def _compute(connection: Connection, name: str, compute: Compute, seconds: float) -> Figures | None:
    """Return the group's figures; None if they fail, for example because of a privilege."""
    try:
        with connection.begin_nested():
            return run_with_timeout(connection, seconds, compute)
    except (StatementTimeoutError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        logger.warning("the figures of %s were not computed: %s", name, describe(error))
        return None


def group_of(name: str, account_id: str | None) -> str:
    """Return the name of a group of all accounts, or of the one of a single account."""
    return name if account_id is None else f"{name}@{account_id}"


def _groups(counting: Counting) -> Mapping[str, Compute]:
    """Return the groups by name, those of single accounts too."""
    by_account: dict[str, Compute] = {
        group_of(name, account): partial(compute, grace=counting.grace, account_id=account)
        for account in (None, *counting.accounts)
        for name, compute in _GROUPS_BY_ACCOUNT.items()
    }

    search: dict[str, Compute] = {"search": partial(_search, is_on=counting.has_search)}

    return by_account | _GROUPS | search


def _transcripts(connection: Connection, *, grace: timedelta, account_id: str | None) -> Figures:
    now = database_now(connection)
    figures = completeness(connection, at=now, grace=grace, account_id=account_id)

    return {
        "receiver_transcripts_missing": figures.missing,
        "receiver_oldest_missing_timestamp_seconds": _unix_time(figures.oldest_missing_at),
        "receiver_transcripts_without_callback": figures.without_callback,
        "receiver_jobs_completed": figures.completed,
        "receiver_jobs_failed": figures.failed,
        # For the console only.
        "with_transcript": figures.with_transcript,
        "awaiting": figures.awaiting,
        "erased": figures.erased,
        "replaced": figures.replaced,
        "failed_recently": figures.failed_recently,
        "unknown_at_twilio": figures.unknown_at_twilio,
    }


def _hours(connection: Connection, *, grace: timedelta, account_id: str | None) -> Figures:
    """Return what the console draws: the counts of each hour, by its Unix time."""
    now = database_now(connection)
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    received = store.received_per_hour(connection, since, account_id=account_id)
    missing = store.missing_per_hour(connection, since, now - grace, account_id=account_id)

    return {
        **{f"received {hour.timestamp():.0f}": count for hour, count in received.items()},
        **{f"missing {hour.timestamp():.0f}": count for hour, count in missing.items()},
    }


def _callbacks(connection: Connection) -> Figures:
    last_at = store.last_callback_at(connection)

    return {
        "receiver_last_callback_timestamp_seconds": _unix_time(last_at),
        "receiver_quarantined": store.count_quarantined(connection),
    }


def _reconcile(connection: Connection) -> Figures:
    completed_at = store.reconcile_completed_at(connection)

    return {"receiver_reconcile_complete_timestamp_seconds": _unix_time(completed_at)}


def _rejected(connection: Connection) -> Figures:
    return {"receiver_rejected_kept": store.count_rejected(connection)}


def _erasures(connection: Connection) -> Figures:
    return store.count_erasures(connection)


def _search(connection: Connection, *, is_on: bool) -> Figures:
    """Return no time if the search is off: then the index stays as it was."""
    through = indexed_through(connection) if is_on else None

    return {"receiver_search_indexed_timestamp_seconds": _unix_time(through)}


def _database(connection: Connection) -> Figures:
    return {"receiver_database_bytes": store.database_bytes(connection)}


def _unix_time(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


# The names are those of receiver.metrics.catalog.FIGURES, but for `hours`.
_GROUPS_BY_ACCOUNT = {"transcripts": _transcripts, "hours": _hours}
_GROUPS: dict[str, Compute] = {
    "callbacks": _callbacks,
    "reconcile": _reconcile,
    "rejected": _rejected,
    "database": _database,
    "erasures": _erasures,
}
