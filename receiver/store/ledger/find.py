"""Finds events for an operator, by outcome, reason, time and job, without their bodies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Text,
    any_,
    func,
    literal,
    select,
)

from receiver.store.event import Outcome
from receiver.store.jobs.read import BODY_REMOVED, is_visible
from receiver.store.tables import events

_COLUMNS_WITHOUT_BODY = (
    *(column for column in events.c if column.name not in {"head", "body"}),
    BODY_REMOVED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFilter:
    """Which events to select; None in a field means any."""

    ids: Sequence[int] | None = None
    outcome: str | None = None
    reason: str | None = None
    since: datetime | None = None
    job: str | None = None
    source: str | None = None
    account_id: str | None = None  # what this account may see

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions that select exactly these events."""
        given = {
            events.c.outcome: self.outcome,
            events.c.reason: self.reason,
            events.c.job_id: self.job,
            events.c.source: self.source,
        }
        conditions = [column == value for column, value in given.items() if value is not None]
        if self.ids is not None:
            conditions.append(events.c.id == any_(literal(self.ids, ARRAY(BigInteger))))
        if self.since is not None:
            conditions.append(events.c.received_at >= self.since)

        if self.account_id is not None:
            job_id = events.c.job_id.collate("C")  # as in the index of jobs
            conditions.append(is_visible(job_id, literal(self.account_id, Text)))

        return conditions


def find_events(
    connection: Connection, ledger_filter: LedgerFilter, *, limit: int
) -> Sequence[Row[Any]]:
    """Return the newest events that pass the filter, without their bodies."""
    statement = select(*_COLUMNS_WITHOUT_BODY).where(*ledger_filter.conditions())

    # Ids ascend as events arrive, so no filter needs a sort.
    return connection.execute(statement.order_by(events.c.id.desc()).limit(limit)).all()


def quarantined_since(connection: Connection, moment: datetime) -> int:
    """Return how many of the events received since this time are quarantined."""
    ledger_filter = LedgerFilter(outcome=Outcome.QUARANTINED, since=moment)
    statement = select(func.count()).where(*ledger_filter.conditions())

    return connection.execute(statement).scalar_one()


def find_event(connection: Connection, event_id: int) -> Row[Any] | None:
    """Return the event with this id, without its body; None if there is none."""
    return connection.execute(
        select(*_COLUMNS_WITHOUT_BODY).where(events.c.id == event_id)
    ).one_or_none()
