"""Finds rows of the audit for an operator, and deletes the expired ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, any_, delete, func, literal_column, select

from receiver.store.tables import audit

# A row's place in its table, which doesn't change while the row is locked. By a list of places
# Postgres never reads the whole table, whatever its statistics are.
_PLACE: ColumnElement[Any] = literal_column("audit.ctid")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which reads to select; None in a field means any."""

    job: str | None = None
    reader: str | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions that select exactly these reads."""
        conditions: list[ColumnElement[bool]] = []
        if self.job is not None:
            conditions.append(audit.c.job_id == self.job)
        if self.reader is not None:
            conditions.append(audit.c.reader == self.reader)
        if self.since is not None:
            conditions.append(audit.c.at >= self.since)
        if self.until is not None:
            conditions.append(audit.c.at < self.until)

        return conditions


def find_reads(
    connection: Connection, audit_filter: AuditFilter, *, limit: int
) -> Sequence[Row[Any]]:
    """Return the newest reads that pass the filter."""
    newest = select(audit).where(*audit_filter.conditions())

    return connection.execute(
        newest.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
    ).all()


def count_expired(connection: Connection, *, age: timedelta) -> int:
    """Return how many rows are older than `age` by the database's clock."""
    statement = select(func.count()).where(audit.c.at < func.now() - age)

    return connection.execute(statement).scalar_one()


def delete_expired(connection: Connection, *, age: timedelta, limit: int) -> int:
    """Delete the oldest rows that are older than `age` by the database's clock; return how many.

    It deletes at most `limit` rows, so that each transaction is short: repeat it until it returns
    less. It leaves out the rows that another process deletes at the same time.
    """
    expired = select(_PLACE).select_from(audit).where(audit.c.at < func.now() - age)
    oldest = expired.order_by(audit.c.at, audit.c.id).limit(limit)
    places = func.array(oldest.with_for_update(skip_locked=True).scalar_subquery())

    return connection.execute(delete(audit).where(any_(places) == _PLACE)).rowcount
