"""Keeping requests that don't verify, within quotas: whoever sends them has proved nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select

from receiver.runtime.errors import ReceiverError
from receiver.store.engine import transactional
from receiver.store.rejected.quotas import Quota, Quotas, measure
from receiver.store.tables import rejected

# Any number, as long as no other user of the database takes the same one.
_LOCK = 7_146_550_022

# What is younger is never evicted: nobody can push out what came before them, today's at least.
MIN_RETENTION = timedelta(hours=24)

_OVERHEAD = 512  # bytes of a row beside what is counted: its ids, its digest, its index entries


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRequest:
    """A request that may be a callback but doesn't verify.

    `reason` is the refusal's. Account and job are what the body claims. `sha256` is of its
    signature and URL, and so of its body, whose hash the URL tells.
    `origin` is the request's own, `target` its path and query; the headers are those that may be
    kept.
    """

    received_at: datetime
    reason: str
    account_id: str
    job_id: str
    origin: str
    target: str
    headers: dict[str, str]
    body: bytes
    sha256: bytes

    @property
    def row_bytes(self) -> int:
        """How much of its account's quota it takes."""
        told = [self.origin, self.target, *self.headers, *self.headers.values()]

        return len(self.body) + sum(len(text.encode()) for text in told) + _OVERHEAD


class QuotaExceededError(ReceiverError):
    """A quota is used up, and nothing of it is old enough to be evicted.

    `account` is the one whose quota it is, None where it is the one that all others share.
    """

    def __init__(self, account: str | None) -> None:
        super().__init__(account)
        self.account = account


def store_rejected(engine: Engine, request: RejectedRequest, quotas: Quotas) -> int:
    """Return the number under which the request is kept; one with the same body is the same.

    Where a quota is used up, the oldest of those go that are older than KEPT_FOR. Raises Full, or
    sqlalchemy.exc.SQLAlchemyError; then nothing has changed.
    """
    with transactional(engine).begin() as connection:
        # One at a time: each sees what all before it have taken.
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        same = select(rejected.c.id).where(rejected.c.sha256 == request.sha256)
        known: int | None = connection.execute(same).scalar()
        if known is not None:
            return known
        for quota in quotas.of(request.account_id):
            _evict(connection, quota, request)
        kept: int = connection.execute(
            insert(rejected).values(_row(request)).returning(rejected.c.id)
        ).scalar_one()

        return kept


def remove_rejected(connection: Connection, number: int) -> None:
    """Remove a request: it is in the ledger now."""
    connection.execute(delete(rejected).where(rejected.c.id == number))


def _evict(connection: Connection, quota: Quota, request: RejectedRequest) -> None:
    """Remove as many of the quota's oldest rows as must go for the request, or raise Full."""
    before = measure(connection, quota)
    rows = before.rows + 1 - quota.most.rows
    size = before.bytes + request.row_bytes - quota.most.bytes
    if rows <= 0 and size <= 0:
        return

    oldest_first = [rejected.c.received_at, rejected.c.id]
    old = (
        select(
            rejected.c.id,
            (func.row_number().over(order_by=oldest_first) - 1).label("rows_before"),
            (
                func.sum(rejected.c.row_bytes).over(order_by=oldest_first) - rejected.c.row_bytes
            ).label("bytes_before"),
        )
        .where(quota.condition, rejected.c.received_at <= request.received_at - MIN_RETENTION)
        .subquery()
    )
    needed = select(old.c.id).where(or_(old.c.rows_before < rows, old.c.bytes_before < size))
    evicted = connection.execute(
        delete(rejected).where(rejected.c.id.in_(needed)).returning(rejected.c.row_bytes)
    ).scalars()
    sizes: list[int] = list(evicted)
    if len(sizes) < rows or sum(sizes) < size:
        raise QuotaExceededError(quota.account)


def _row(request: RejectedRequest) -> dict[str, Any]:
    return {
        "sha256": request.sha256,
        "reason": request.reason,
        "account_id": request.account_id,
        "job_id": request.job_id,
        "origin": request.origin,
        "target": request.target,
        "headers": request.headers,
        "body": request.body,
        "body_bytes": len(request.body),
        "row_bytes": request.row_bytes,
        "received_at": request.received_at,
    }
