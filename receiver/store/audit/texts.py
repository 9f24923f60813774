"""The only statements that read a transcript or a body out, each with its row in the audit.

`account_id` limits a read to one account's jobs; None means all accounts. A read that finds nothing
leaves no row.
"""

from sqlalchemy import BigInteger, Connection, Text, bindparam, cast, func, null, select

from receiver.store.audit.access import Access, audited
from receiver.store.compiled import CompiledOnce
from receiver.store.jobs.read import is_callback_of
from receiver.store.tables import events, transcriptions

_job = transcriptions.c

# The transcript of a digest, while it is the job's current one and isn't erased.
_TRANSCRIPT = (
    select(_job.id.label("job_id"), cast(null(), BigInteger).label("callback_id"), events.c.body)
    .join_from(transcriptions, events, events.c.sha256 == _job.transcript_sha256)
    .where(
        _job.id == bindparam("job_id"),
        _job.transcript_sha256 == bindparam("sha256"),
        _job.account_id == func.coalesce(bindparam("account_id"), _job.account_id),
        events.c.body.is_not(None),
    )
)
_EVENT = select(events.c.job_id, events.c.id.label("callback_id"), events.c.body).where(
    events.c.id == bindparam("callback_id"), events.c.body.is_not(None)
)
_transcript, _event = _TRANSCRIPT.cte("found"), _EVENT.cte("found")
_callback = _EVENT.where(
    is_callback_of(bindparam("job_id"), bindparam("account_id", type_=Text))
).cte("found")

_READ_TRANSCRIPT = CompiledOnce(audited(_transcript, _transcript.c.body))
_CONFIRM_TRANSCRIPT = CompiledOnce(audited(_transcript, _transcript.c.job_id))
_READ_CALLBACK = CompiledOnce(audited(_callback, _callback.c.body))
_CONFIRM_CALLBACK = CompiledOnce(audited(_callback, _callback.c.job_id))
_READ_EVENT = CompiledOnce(audited(_event, _event.c.body))


def read_transcript(
    connection: Connection, job_id: str, sha256: bytes, *, account_id: str | None, access: Access
) -> bytes | None:
    """Return the body with the job's transcript; None if that has another digest, or was erased."""
    values = {"job_id": job_id, "sha256": sha256, "account_id": account_id}
    row = _READ_TRANSCRIPT.first_row(connection, **values, **access.parameters)

    return None if row is None else row[0]


def confirm_transcript(
    connection: Connection, job_id: str, sha256: bytes, *, account_id: str | None, access: Access
) -> bool:
    """Return whether the job's transcript still has this digest and isn't erased.

    For a transcript that the client has (304), or that was rendered before.
    """
    values = {"job_id": job_id, "sha256": sha256, "account_id": account_id}

    return _CONFIRM_TRANSCRIPT.first_row(connection, **values, **access.parameters) is not None


def read_callback(
    connection: Connection,
    job_id: str,
    callback_id: int,
    *,
    account_id: str | None,
    access: Access,
) -> bytes | None:
    """Return the exact bytes of a job's callback; None if it is unknown, or its body was erased."""
    values = {"job_id": job_id, "callback_id": callback_id, "account_id": account_id}
    row = _READ_CALLBACK.first_row(connection, **values, **access.parameters)

    return None if row is None else row[0]


def confirm_callback(
    connection: Connection,
    job_id: str,
    callback_id: int,
    *,
    account_id: str | None,
    access: Access,
) -> bool:
    """Return whether a callback is still stored whose body the client has (304)."""
    values = {"job_id": job_id, "callback_id": callback_id, "account_id": account_id}

    return _CONFIRM_CALLBACK.first_row(connection, **values, **access.parameters) is not None


def read_event(connection: Connection, event_id: int, *, access: Access) -> bytes | None:
    """Return the exact bytes of any event; None if it is unknown, or its body was erased."""
    row = _READ_EVENT.first_row(connection, callback_id=event_id, **access.parameters)

    return None if row is None else row[0]
