"""The only statements that read a transcript or a body out, each with its row in the audit.

`account_id` limits a read to one account's jobs; None means all accounts. A read that finds nothing
leaves no row.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    cast,
    func,
    literal,
    make_url,
    null,
    select,
)

from receiver.store.audit.access import Access, audited
from receiver.store.engine import execute_prepared
from receiver.store.jobs.read import is_callback_of
from receiver.store.tables import events, transcriptions

_job = transcriptions.c

# The transcript of a digest, while it is the job's current one and isn't erased.
_CURRENT = (
    select(_job.id.label("job_id"), cast(null(), BigInteger).label("callback_id"), events.c.body)
    .join_from(transcriptions, events, events.c.sha256 == _job.transcript_sha256)
    .where(
        _job.id == bindparam("job_id"),
        _job.transcript_sha256 == bindparam("sha256"),
        _job.account_id == func.coalesce(bindparam("account_id"), _job.account_id),
        events.c.body.is_not(None),
    )
    .cte("found")
)
# Compiled once: compiling takes longer than the query.
_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
_READ_CURRENT = audited(_CURRENT, _CURRENT.c.body).compile(dialect=_DIALECT)
_CONFIRM_CURRENT = audited(_CURRENT, _CURRENT.c.job_id).compile(dialect=_DIALECT)


def read_transcript(
    connection: Connection, job_id: str, sha256: bytes, *, account_id: str | None, access: Access
) -> bytes | None:
    """Return the body with the job's transcript; None if that has another digest, or was erased."""
    values = {"job_id": job_id, "sha256": sha256, "account_id": account_id, **access.parameters}
    rows = execute_prepared(connection, str(_READ_CURRENT), values)

    return rows[0][0] if rows else None


def confirm_transcript(
    connection: Connection, job_id: str, sha256: bytes, *, account_id: str | None, access: Access
) -> bool:
    """Return whether the job's transcript still has this digest and isn't erased.

    For a transcript that the client has (304), or that was rendered before.
    """
    values = {"job_id": job_id, "sha256": sha256, "account_id": account_id, **access.parameters}

    return bool(execute_prepared(connection, str(_CONFIRM_CURRENT), values))


def read_callback(
    connection: Connection,
    job_id: str,
    callback_id: int,
    *,
    account_id: str | None,
    access: Access,
) -> bytes | None:
    """Return the exact bytes of a job's callback; None if it is unknown, or its body was erased."""
    found = _callback(job_id, callback_id, account_id).cte("found")
    body: bytes | None = connection.execute(
        audited(found, found.c.body), access.parameters
    ).scalar()

    return body


def confirm_callback(
    connection: Connection,
    job_id: str,
    callback_id: int,
    *,
    account_id: str | None,
    access: Access,
) -> bool:
    """Return whether a callback is still stored whose body the client has (304)."""
    found = _callback(job_id, callback_id, account_id).cte("found")

    return bool(connection.execute(audited(found, literal(1)), access.parameters).scalar())


def read_event(connection: Connection, event_id: int, *, access: Access) -> bytes | None:
    """Return the exact bytes of any event; None if it is unknown, or its body was erased."""
    found = _event(event_id).cte("found")
    body: bytes | None = connection.execute(
        audited(found, found.c.body), access.parameters
    ).scalar()

    return body


def _callback(job_id: str, callback_id: int, account_id: str | None) -> Select[Any]:
    return _event(callback_id).where(is_callback_of(job_id, account_id))


def _event(event_id: int) -> Select[Any]:
    columns = (events.c.job_id, events.c.id.label("callback_id"), events.c.body)

    return select(*columns).where(events.c.id == event_id, events.c.body.is_not(None))
