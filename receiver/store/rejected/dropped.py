"""Counts the rejected requests that were dropped: not stored, by the reason why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import rejected_not_kept


def add_dropped(connection: Connection, counts: Mapping[str, int], at: datetime) -> None:
    """Add these numbers of requests, by reason, to the counts."""
    rows = [
        {"reason": reason, "requests": count, "first_at": at, "last_at": at}
        for reason, count in sorted(counts.items())
    ]
    statement = insert(rejected_not_kept).values(rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["reason"],
            set_={
                "requests": rejected_not_kept.c.requests + statement.excluded.requests,
                "last_at": func.greatest(rejected_not_kept.c.last_at, statement.excluded.last_at),
            },
        )
    )


def dropped_counts(connection: Connection) -> Sequence[Row[Any]]:
    """Return the rows of the counts: reason, requests, first_at, last_at."""
    return connection.execute(select(rejected_not_kept).order_by(rejected_not_kept.c.reason)).all()
