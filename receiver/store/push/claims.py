"""Claims of endpoints: one process at a time sends to an endpoint, and stores its progress.

A claim ends with its lease, by the database's clock. Each statement but that of `take` checks that
the claim is still the process's own. So a process that was stalled can't undo what another one has
stored since.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, Update, cast, func, or_, update

from receiver.store.push.endpoints import STATE, EndpointState
from receiver.store.tables import push_endpoints

_endpoint = push_endpoints.c
_NOW = func.clock_timestamp()

NO_FAILURE = {
    "failures": 0,
    "retry_at": None,
    "failing_since": None,
    "failing_job_id": None,
    "last_error": None,
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The claim of one process on an endpoint, and the lease that each statement renews."""

    name: str
    token: UUID
    lease: timedelta


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Up to where an endpoint has received the feed, and whether this is news to the database.

    With `lag_seconds`, the endpoint has every change that was committed at least this long ago.
    """

    cursor: str | None
    has_delivered: bool = False
    lag_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An attempt that failed, the job that it was of, and when to try again."""

    reason: str  # safe to print
    job_id: str
    failures: int  # in a row, this one included
    retry_seconds: float | None  # None: not before `resume`


def take(connection: Connection, claim: Claim) -> EndpointState | None:
    """Claim the endpoint or renew the claim; return its state, None if another process has it."""
    is_free = or_(_endpoint.claimed_until.is_(None), _endpoint.claimed_until <= _NOW)
    statement = (
        update(push_endpoints)
        .where(_endpoint.name == claim.name, or_(_endpoint.claim == claim.token, is_free))
        .values(claim=claim.token, claimed_until=_NOW + claim.lease)
        .returning(*STATE)
    )
    row = connection.execute(statement).mappings().first()

    return None if row is None else EndpointState(**row)


def begin_attempt(connection: Connection, claim: Claim, progress: Progress) -> int | None:
    """Store the progress and return the number of the next attempt; None if the claim is lost.

    The numbers of an endpoint only rise. They are milliseconds, unless attempts follow faster. So
    they also rise after the database was restored from a backup.
    """
    milliseconds = cast(func.floor(func.extract("epoch", _NOW) * 1000), BigInteger)
    following = func.greatest(_endpoint.sequence + 1, milliseconds)
    statement = _update(claim, progress, sequence=following).returning(_endpoint.sequence)

    return connection.execute(statement).scalar()


def store_progress(
    connection: Connection, claim: Claim, progress: Progress, *, is_caught_up: bool = False
) -> bool:
    """Store the progress, and whether the endpoint has everything; False if the claim is lost."""
    caught_up = {"caught_up_at": _NOW, **NO_FAILURE} if is_caught_up else {}

    return _execute(connection, _update(claim, progress, **caught_up))


def store_failure(
    connection: Connection, claim: Claim, progress: Progress, failure: Failure
) -> bool:
    """Store that the change after the progress was not delivered; False if the claim is lost."""
    since = _NOW if progress.has_delivered else func.coalesce(_endpoint.failing_since, _NOW)
    is_disabled = failure.retry_seconds is None
    statement = _update(
        claim,
        progress,
        failures=failure.failures,
        retry_at=None if is_disabled else _NOW + timedelta(seconds=failure.retry_seconds or 0),
        failing_since=since,
        failing_job_id=failure.job_id,
        last_error=failure.reason,
        **({"disabled_at": _NOW} if is_disabled else {}),
    )

    return _execute(connection, statement)


def release(connection: Connection, claim: Claim) -> None:
    """End the claim, so that another process need not wait for the end of the lease."""
    statement = update(push_endpoints).where(*_is_own(claim))
    connection.execute(statement.values(claim=None, claimed_until=None))


def _update(claim: Claim, progress: Progress, **values: Any) -> Update:
    """Return an update of the endpoint's row, if the claim is still the process's own."""
    delivered: dict[str, Any] = {}
    if progress.has_delivered:
        delivered |= {"delivered_at": _NOW, **NO_FAILURE}
    if progress.lag_seconds is not None:
        had_all_at = _NOW - timedelta(seconds=progress.lag_seconds)
        delivered["caught_up_at"] = func.greatest(_endpoint.caught_up_at, had_all_at)

    return (
        update(push_endpoints)
        .where(*_is_own(claim))
        .values(
            {"cursor": progress.cursor, "claimed_until": _NOW + claim.lease, **delivered, **values}
        )
    )


def _is_own(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return _endpoint.name == claim.name, _endpoint.claim == claim.token


def _execute(connection: Connection, statement: Update) -> bool:
    return connection.execute(statement).rowcount == 1
