"""Reading what was rejected, removing what has been accepted, counting what wasn't kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert

from receiver.store.rejected import Quota, Rooms, others
from receiver.store.tables import rejected, rejected_not_kept

_SUMMARY = tuple(column for column in rejected.c if column.name != "body")


class Usage(NamedTuple):
    """What is kept in a room: of one account, or with None of all that share one."""

    account: str | None
    used: Quota
    quota: Quota


def newest_rejected(connection: Connection, *, limit: int) -> Sequence[Row[Any]]:
    """Return the newest rejected requests, without their bodies."""
    newest = select(*_SUMMARY).order_by(rejected.c.id.desc()).limit(limit)

    return connection.execute(newest).all()


def find_rejected(connection: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return those rejected requests, by default all, oldest first and without their bodies."""
    return connection.execute(select(*_SUMMARY).where(_among(ids)).order_by(rejected.c.id)).all()


def rejected_ids(connection: Connection, ids: Sequence[int]) -> Sequence[int]:
    """Return which of the numbers there are, by default all there are, in their order."""
    return (
        connection.execute(select(rejected.c.id).where(_among(ids)).order_by(rejected.c.id))
        .scalars()
        .all()
    )


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    return rejected.c.id.in_(ids) if ids else true()


def load_rejected(connection: Connection, number: int) -> Row[Any] | None:
    """Return a rejected request with its body, or None if it is gone."""
    return connection.execute(select(rejected).where(rejected.c.id == number)).one_or_none()


def remove_rejected(connection: Connection, number: int) -> None:
    """Remove a request: it is in the ledger now."""
    connection.execute(delete(rejected).where(rejected.c.id == number))


def rejected_since(connection: Connection, moment: datetime) -> int:
    """Return how many of those that are kept were received since then."""
    counted = select(func.count()).where(rejected.c.received_at >= moment)

    return connection.execute(counted).scalar_one()


def usage(connection: Connection, rooms: Rooms) -> list[Usage]:
    """Return how full the rooms are: each account's own, and the one of all others."""
    each = [
        (account, rejected.c.account_id == account, rooms.each_own) for account in sorted(rooms.own)
    ]

    return [
        Usage(account, _used(connection, room), quota)
        for account, room, quota in [*each, (None, others(rooms), rooms.all_others)]
    ]


def _used(connection: Connection, room: ColumnElement[bool]) -> Quota:
    sums = select(func.count(), func.coalesce(func.sum(rejected.c.row_bytes), 0)).where(room)
    rows, size = connection.execute(sums).one()

    return Quota(rows, size)


def count_not_kept(connection: Connection, counts: Mapping[str, int], at: datetime) -> None:
    """Add to the counts of what wasn't kept, by the reason why."""
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


def not_kept(connection: Connection) -> Sequence[Row[Any]]:
    """Return the counts of what wasn't kept: reason, requests, first_at, last_at."""
    return connection.execute(select(rejected_not_kept).order_by(rejected_not_kept.c.reason)).all()
