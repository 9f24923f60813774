"""Reads rejected requests, and how much of the quotas they use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select, true

from receiver.store.rejected.quotas import Amount, Quota, Quotas, measure
from receiver.store.tables import rejected

_COLUMNS_WITHOUT_BODY = tuple(column for column in rejected.c if column.name != "body")


class Usage(NamedTuple):
    """A quota, and how much of it is used."""

    quota: Quota
    used: Amount


def newest_rejected(connection: Connection, *, limit: int) -> Sequence[Row[Any]]:
    """Return the newest rejected requests, without their bodies."""
    newest = select(*_COLUMNS_WITHOUT_BODY).order_by(rejected.c.id.desc()).limit(limit)

    return connection.execute(newest).all()


def find_rejected(connection: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return the rejected requests with these ids, or all if none are given.

    Oldest first, without their bodies.
    """
    statement = select(*_COLUMNS_WITHOUT_BODY).where(_has_id(ids)).order_by(rejected.c.id)

    return connection.execute(statement).all()


def rejected_ids(connection: Connection, ids: Sequence[int]) -> Sequence[int]:
    """Return which of these ids exist, or all ids if none are given, in ascending order."""
    statement = select(rejected.c.id).where(_has_id(ids)).order_by(rejected.c.id)

    return connection.execute(statement).scalars().all()


def _has_id(ids: Sequence[int]) -> ColumnElement[bool]:
    return rejected.c.id.in_(ids) if ids else true()


def load_rejected(connection: Connection, request_id: int) -> Row[Any] | None:
    """Return a rejected request with its body, None if it no longer exists."""
    return connection.execute(select(rejected).where(rejected.c.id == request_id)).one_or_none()


def rejected_since(connection: Connection, moment: datetime) -> int:
    """Return how many of the stored requests were received since this time."""
    statement = select(func.count()).where(rejected.c.received_at >= moment)

    return connection.execute(statement).scalar_one()


def usage(connection: Connection, quotas: Quotas) -> list[Usage]:
    """Return the usage of all quotas: those of our accounts, then the one of all others."""
    own = [quota for account in sorted(quotas.own) for quota in quotas.for_account(account)]

    return [Usage(quota, measure(connection, quota)) for quota in [*own, quotas.for_others()]]
