"""Stores rejected requests within quotas, because their senders have proved nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, literal, not_, or_, select

from receiver.runtime.errors import ReceiverError
from receiver.store.engine import transactional
from receiver.store.erasure.tombstones import has_tombstone, job_keys
from receiver.store.rejected.quotas import Quota, Quotas, measure
from receiver.store.tables import rejected

# An arbitrary number that no other user of the database uses.
_ADVISORY_LOCK_ID = 7_146_550_022

# Younger requests are never evicted, so a flood can't replace the earlier requests of the same day.
MIN_RETENTION = timedelta(hours=24)

_OVERHEAD_BYTES = 512  # of a row, without its texts and body: ids, digest, index entries


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRequest:
    """A request that looks like a callback but doesn't verify."""

    received_at: datetime
    reason: str  # the SignatureError's
    account_id: str  # as the body claims
    job_id: str  # as the body claims
    origin: str  # of the request itself
    target: str  # path and query
    headers: dict[str, str]  # those on the allow-list
    body: bytes
    sha256: bytes  # of signature and URL; the URL contains the body's hash

    @property
    def row_bytes(self) -> int:
        """How much of its account's quota the request uses."""
        texts = [self.origin, self.target, *self.headers, *self.headers.values()]

        return len(self.body) + sum(len(text.encode()) for text in texts) + _OVERHEAD_BYTES


class QuotaExceededError(ReceiverError):
    """A quota is used up, and too few of its requests are old enough to be evicted.

    `account` is the owner of the quota, None for the quota that all other accounts share.
    """

    def __init__(self, account: str | None) -> None:
        super().__init__(account)
        self.account = account


def store_rejected(engine: Engine, request: RejectedRequest, quotas: Quotas) -> int | None:
    """Store the request and return its id; a request with the same digest keeps its first id.

    Nothing is stored of a job that was erased; then there is no id.
    If a quota is used up, its oldest requests are evicted, but only those older than MIN_RETENTION.
    Raises QuotaExceededError or sqlalchemy.exc.SQLAlchemyError; nothing has changed then.
    """
    with transactional(engine).begin() as connection:
        # One writer at a time, because each must see how much the others have used.
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK_ID)))
        same = select(rejected.c.id).where(rejected.c.sha256 == request.sha256)
        known_id: int | None = connection.execute(same).scalar()
        if known_id is not None:
            return known_id
        for quota in quotas.for_account(request.account_id):
            _evict(connection, quota, request)
        row = _row(request)
        values = select(*(literal(value, rejected.c[name].type) for name, value in row.items()))
        # In the statement that writes: an erasure waits for it, if it doesn't see the tombstone.
        is_erased = has_tombstone(job_keys(request.job_id, request.account_id))
        given = insert(rejected).from_select(list(row), values.where(not_(is_erased)))
        new_id: int | None = connection.execute(given.returning(rejected.c.id)).scalar()

        return new_id


def remove_rejected(connection: Connection, request_id: int) -> None:
    """Remove a request, because the ledger has it now."""
    connection.execute(delete(rejected).where(rejected.c.id == request_id))


def _evict(connection: Connection, quota: Quota, request: RejectedRequest) -> None:
    """Remove the oldest rows until the request fits the quota, or raise QuotaExceededError."""
    used = measure(connection, quota)
    excess_rows = used.rows + 1 - quota.limit.rows
    excess_bytes = used.bytes + request.row_bytes - quota.limit.bytes
    if excess_rows <= 0 and excess_bytes <= 0:
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
    to_evict = select(old.c.id).where(
        or_(old.c.rows_before < excess_rows, old.c.bytes_before < excess_bytes)
    )
    evicted = connection.execute(
        delete(rejected).where(rejected.c.id.in_(to_evict)).returning(rejected.c.row_bytes)
    ).scalars()
    evicted_bytes: list[int] = list(evicted)
    if len(evicted_bytes) < excess_rows or sum(evicted_bytes) < excess_bytes:
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
