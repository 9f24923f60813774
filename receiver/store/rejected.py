"""Keeping requests that don't verify, within quotas: whoever sends them has proved nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, or_, select

from receiver.store.engine import transactional
from receiver.store.tables import rejected

# Any number, as long as no other user of the database takes the same one.
_LOCK = 7_146_550_022

# What is younger is never evicted: nobody can push out what came before them, today's at least.
KEPT_FOR = timedelta(hours=24)

_MIB = 1024 * 1024
_OVERHEAD = 512  # bytes of a row beside what is counted: its ids, its digest, its index entries


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be kept."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who may have how much kept.

    The accounts of `own` have a room each. All others share one, of which none may have more than
    its part: what strangers make up must stay small beside a database of 1 GB, as small plans are.
    A callback has some 8 kB as a rule, and 1 MB at most.
    """

    own: frozenset[str]
    each_own: Quota = Quota(10_000, 128 * _MIB)
    each_other: Quota = Quota(1_000, 8 * _MIB)
    all_others: Quota = Quota(8_000, 64 * _MIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRequest:
    """A request that looks like a callback but doesn't verify.

    `reason` is the refusal's. Account and job are what the body claims. `sha256` is the body's.
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
        """How much of its account's room it takes."""
        told = [self.origin, self.target, *self.headers, *self.headers.values()]

        return len(self.body) + sum(len(text.encode()) for text in told) + _OVERHEAD


class Full(Exception):
    """There is no room, and nothing in it is old enough to be evicted.

    `account` is the one whose room it is, None where it is the one that all others share.
    """

    def __init__(self, account: str | None) -> None:
        super().__init__(account)
        self.account = account


def keep_rejected(engine: Engine, request: RejectedRequest, rooms: Rooms) -> int:
    """Return the number under which the request is kept; one with the same body is the same.

    Where room is needed the oldest of those make it that are older than KEPT_FOR. Raises Full, or
    sqlalchemy.exc.SQLAlchemyError; then nothing has changed.
    """
    with transactional(engine).begin() as connection:
        # One at a time: each sees what all before it have taken.
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        same = select(rejected.c.id).where(rejected.c.sha256 == request.sha256)
        known: int | None = connection.execute(same).scalar()
        if known is not None:
            return known
        _make_room(connection, request, rooms)
        kept: int = connection.execute(
            insert(rejected).values(_row(request)).returning(rejected.c.id)
        ).scalar_one()

        return kept


def others(rooms: Rooms) -> ColumnElement[bool]:
    """Return the condition of a row whose account has no room of its own."""
    return rejected.c.account_id.not_in(sorted(rooms.own))


def _make_room(connection: Connection, request: RejectedRequest, rooms: Rooms) -> None:
    account = request.account_id
    alone = rejected.c.account_id == account
    if account in rooms.own:
        free = _evict(connection, alone, rooms.each_own, request)
    else:
        free = _evict(connection, alone, rooms.each_other, request)
        if free and not _evict(connection, others(rooms), rooms.all_others, request):
            raise Full(None)
    if not free:
        raise Full(account)


def _evict(
    connection: Connection, room: ColumnElement[bool], quota: Quota, request: RejectedRequest
) -> bool:
    """Remove as many of the room's oldest rows as must go, and return whether that was enough."""
    used = connection.execute(
        select(func.count(), func.coalesce(func.sum(rejected.c.row_bytes), 0)).where(room)
    ).one()
    rows: int = used[0] + 1 - quota.rows
    size: int = used[1] + request.row_bytes - quota.bytes
    if rows <= 0 and size <= 0:
        return True

    oldest_first = [rejected.c.received_at, rejected.c.id]
    old = (
        select(
            rejected.c.id,
            (func.row_number().over(order_by=oldest_first) - 1).label("rows_before"),
            (
                func.sum(rejected.c.row_bytes).over(order_by=oldest_first) - rejected.c.row_bytes
            ).label("bytes_before"),
        )
        .where(room, rejected.c.received_at <= request.received_at - KEPT_FOR)
        .subquery()
    )
    needed = select(old.c.id).where(or_(old.c.rows_before < rows, old.c.bytes_before < size))
    evicted = connection.execute(
        delete(rejected).where(rejected.c.id.in_(needed)).returning(rejected.c.row_bytes)
    ).scalars()
    sizes: list[int] = list(evicted)

    return len(sizes) >= rows and sum(sizes) >= size


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
