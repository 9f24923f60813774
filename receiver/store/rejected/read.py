"""Reading what was rejected, and how much of it there is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select, true

from receiver.store.rejected.quotas import Amount, Quota, Quotas, measure
from receiver.store.tables import rejected

_SUMMARY = tuple(column for column in rejected.c if column.name != "body")


class Usage(NamedTuple):
    """How much of a quota is used."""

    quota: Quota
    used: Amount


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


def rejected_since(connection: Connection, moment: datetime) -> int:
    """Return how many of those that are kept were received since then."""
    counted = select(func.count()).where(rejected.c.received_at >= moment)

    return connection.execute(counted).scalar_one()


def usage(connection: Connection, quotas: Quotas) -> list[Usage]:
    """Return how full the quotas are: each account's own, then the one of all others."""
    own = [quota for account in sorted(quotas.own) for quota in quotas.of(account)]

    return [Usage(quota, measure(connection, quota)) for quota in [*own, quotas.of_others()]]
