"""Receipts: who erased what, when, why, and how much of it was found in each place."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from receiver.store.tables import erasures

Receipt = Row[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who erases, and why."""

    name: str  # of the API key, or `user:` and the operating system's user
    reason: str | None = None
    account_id: str | None = None  # of a bound API key


def open_receipt(connection: Connection, kind: str, target: str, requester: Requester) -> Receipt:
    """Return a new receipt, or that of the requester's own erasure that was interrupted.

    `target` is the key of its tombstone.
    """
    interrupted = (
        select(erasures)
        .where(
            erasures.c.target == target,
            erasures.c.requested_by == requester.name,
            erasures.c.account_id.is_not_distinct_from(requester.account_id),
            erasures.c.completed_at.is_(None),
        )
        .order_by(erasures.c.id)
        .limit(1)
    )
    receipt = connection.execute(interrupted).one_or_none()

    return receipt or (
        connection.execute(
            insert(erasures)
            .values(
                kind=kind,
                target=target,
                account_id=requester.account_id,
                requested_by=requester.name,
                reason=requester.reason,
                requested_at=func.clock_timestamp(),
                counts={},
            )
            .returning(erasures)
        ).one()
    )


def add_counts(connection: Connection, receipt_id: int, counts: Mapping[str, int]) -> None:
    """Add to what was erased, by place, in the transaction that erases it."""
    locked = select(erasures.c.counts).where(erasures.c.id == receipt_id).with_for_update()
    total = Counter(connection.execute(locked).scalar_one())
    total.update(counts)
    if not any(counts.values()):
        return
    connection.execute(
        update(erasures).where(erasures.c.id == receipt_id).values(counts=dict(+total))
    )


def complete(connection: Connection, receipt_id: int) -> Receipt:
    """Store that the erasure has reached its end; return the receipt.

    Interrupted erasures of the same target, which others began before, are complete too.
    """
    target = select(erasures.c.target).where(erasures.c.id == receipt_id).scalar_subquery()
    is_earlier = and_(
        erasures.c.target == target,
        erasures.c.id < receipt_id,
        erasures.c.completed_at.is_(None),
    )
    statement = (
        update(erasures)
        .where(or_(erasures.c.id == receipt_id, is_earlier))
        .values(completed_at=func.clock_timestamp())
        .returning(erasures)
    )

    return next(row for row in connection.execute(statement).all() if row.id == receipt_id)


def find_receipt(connection: Connection, receipt_id: int) -> Receipt | None:
    """Return the receipt, None if there is none with this id."""
    return connection.execute(select(erasures).where(erasures.c.id == receipt_id)).one_or_none()


def list_receipts(
    connection: Connection, *, limit: int, account_id: str | None = None
) -> Sequence[Receipt]:
    """Return the newest receipts, the newest first: those of an account's keys, or all if None."""
    statement = select(erasures).order_by(erasures.c.id.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(erasures.c.account_id == account_id)

    return connection.execute(statement).all()
