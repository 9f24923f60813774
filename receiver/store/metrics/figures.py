"""Stores the slow figures, and reads those that no other part of the store counts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.event import Outcome
from receiver.store.jobs.account import of_account
from receiver.store.jobs.gaps import GAP
from receiver.store.tables import erasures, events, metric_figures, passes, rejected, transcriptions

_job = transcriptions.c

# The key of the advisory lock that one process holds while it computes. It is a transaction's lock,
# because a session's lock would stay behind a transaction pooler.
_LOCK_KEY = 0x6D657472696373

# A figure that took too long would probably do so again.
_RETRY_FACTOR = 10

Figures = Mapping[str, float | None]


def try_lock(connection: Connection) -> bool:
    """Take the lock until the transaction ends; return False if another process has it."""
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK_KEY))).scalar())


def due_groups(connection: Connection, names: list[str], max_age: timedelta) -> list[str]:
    """Return those of the groups that were computed `max_age` ago or earlier.

    If a group couldn't be computed, it is due again after ten times as long.
    """
    group, now = metric_figures.c, func.clock_timestamp()
    has_failed = group.computed_at.is_distinct_from(group.attempted_at)
    fresh = select(group.name).where(
        or_(
            group.attempted_at > now - max_age,
            and_(has_failed, group.attempted_at > now - _RETRY_FACTOR * max_age),
        )
    )
    are_fresh = set(connection.execute(fresh).scalars())

    return [name for name in names if name not in are_fresh]


def store_figures(connection: Connection, name: str, figures: Figures | None) -> None:
    """Store a group's figures; None stores only that they couldn't be computed now."""
    now = func.statement_timestamp()  # the same in both columns
    values: dict[str, Any] = {"name": name, "attempted_at": now}
    if figures is not None:
        values |= {"figures": dict(figures), "computed_at": now}
    statement = insert(metric_figures).values(values)
    changed = {column: statement.excluded[column] for column in values if column != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def count_quarantined(connection: Connection) -> int:
    """Return how many events are quarantined."""
    statement = select(func.count()).where(events.c.outcome == Outcome.QUARANTINED)

    return connection.execute(statement).scalar_one()


def count_rejected(connection: Connection) -> int:
    """Return how many rejected requests are stored."""
    return connection.execute(select(func.count()).select_from(rejected)).scalar_one()


def count_erasures(connection: Connection) -> dict[str, float | None]:
    """Return how many erasures of each kind are complete."""
    kind = erasures.c.kind
    statement = select(kind, func.count()).where(erasures.c.completed_at.is_not(None))

    return {row[0]: row[1] for row in connection.execute(statement.group_by(kind))}


def database_bytes(connection: Connection) -> int:
    """Return the size of the database."""
    statement = select(func.pg_database_size(func.current_database()))
    size: int = connection.execute(statement).scalar_one()

    return size


def last_callback_at(connection: Connection) -> datetime | None:
    """Return when the last callback was received that was a job's first, or is quarantined.

    An index has these times, unlike those of repeated callbacks.
    """
    applied = select(func.max(transcriptions.c.received_at)).scalar_subquery()
    quarantined = (
        select(func.max(events.c.received_at))
        .where(events.c.outcome == Outcome.QUARANTINED, events.c.source == "callback")
        .scalar_subquery()
    )
    statement = select(func.greatest(applied, quarantined))
    last_at: datetime | None = connection.execute(statement).scalar_one()

    return last_at


def received_per_hour(
    connection: Connection, since: datetime, *, account_id: str | None
) -> dict[datetime, int]:
    """Return how many jobs' first callbacks were received in each hour, which an index has."""
    return _count_per_hour(connection, _job.received_at, _job.received_at >= since, account_id)


def missing_per_hour(
    connection: Connection, since: datetime, until: datetime, *, account_id: str | None
) -> dict[datetime, int]:
    """Return how many jobs that lack their transcript ended in each hour; an index has them."""
    is_between = and_(GAP, _job.ended_at >= since, _job.ended_at <= until)

    return _count_per_hour(connection, _job.ended_at, is_between, account_id)


def _count_per_hour(
    connection: Connection,
    at: ColumnElement[datetime],
    condition: ColumnElement[bool],
    account_id: str | None,
) -> dict[datetime, int]:
    hour = func.date_trunc("hour", at, "UTC").label("hour")
    statement = select(hour, func.count()).where(condition, *of_account(account_id)).group_by(hour)

    return {row[0]: row[1] for row in connection.execute(statement)}


def reconcile_completed_at(connection: Connection) -> datetime | None:
    """Return when Twilio's list of jobs was last read completely."""
    # By the index of complete scans.
    statement = (
        select(passes.c.completed_at)
        .where(passes.c.completed_at.is_not(None))
        .order_by(passes.c.started_at.desc())
        .limit(1)
    )

    return connection.execute(statement).scalar_one_or_none()
