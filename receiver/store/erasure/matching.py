"""Finds the jobs that an erasure concerns."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Connection, and_, func, or_, select, text

from receiver.store.erasure.tombstones import job_key
from receiver.store.jobs.fold import ERASURE
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.tables import (
    ADDRESSES,
    events,
    rejected,
    submissions,
    tombstones,
    transcriptions,
)

_job = transcriptions.c


def with_address(address: str) -> ColumnElement[bool]:
    """Return the condition that a participant of the job has this address; it is indexed."""
    return or_(*(text(f"{place} = :address").bindparams(address=address) for place in ADDRESSES))


def in_conversation(conversation_id: str) -> ColumnElement[bool]:
    """Return the condition that the job belongs to this conversation; it is indexed."""
    return _job.conversation_id == conversation_id


def is_of(kind: Literal["address", "conversation"], value: str) -> ColumnElement[bool]:
    """Return the condition that the job is of this address or conversation; it is indexed."""
    return with_address(value) if kind == "address" else in_conversation(value)


def unerased_jobs(
    connection: Connection, condition: ColumnElement[bool], *, began_before: datetime
) -> Sequence[str]:
    """Return the jobs with this condition that aren't erased and began before this time."""
    statement = select(_job.id).where(
        condition, _job.erased_at.is_(None), _job.sort_at < began_before
    )

    return connection.scalars(statement.order_by(_job.id)).all()


def jobs_of_row(
    connection: Connection,
    job_id: Column[Any],
    key: Column[Any],
    key_value: object,
    *,
    began_before: datetime,
) -> Sequence[str]:
    """Return the job that a row names in a column, if it is one of `unerased_jobs`."""
    named = _job.id.in_(select(job_id).where(key == key_value))

    return unerased_jobs(connection, named, began_before=began_before)


def with_remains(connection: Connection, job_ids: Sequence[str]) -> Sequence[str]:
    """Return those of the erased jobs that an event or a rejected request names again."""
    named = select(events.c.job_id).where(
        events.c.job_id.in_(job_ids), events.c.erased_at.is_(None), events.c.source != ERASURE
    )
    claimed = select(rejected.c.job_id).where(rejected.c.job_id.in_(job_ids))

    return sorted(connection.scalars(named.union(claimed)))


def is_known(connection: Connection, job_id: str, *, account_id: str | None) -> bool:
    """Return whether there is, or was, such a job, or a quarantined event that claims to be of it.

    `account_id` is the account of a bound API key, None if any account's job may be erased. Of a
    job whose rows are gone, only a tombstone is left.
    """
    owner = connection.scalar(select(_job.account_id).where(_job.id == job_id))
    if owner is not None:
        return account_id in {None, owner}
    claims = select(events.c.account_id, events.c.reason).where(events.c.job_id == job_id)
    rows = connection.execute(claims.distinct()).all()
    if account_id is None:
        key = job_key(job_id)
        # Those of an account begin with the key and a colon; the next character is a semicolon.
        of_account = and_(tombstones.c.key > f"{key}:", tombstones.c.key < f"{key};")
        statement = (
            select(tombstones.c.key).where(or_(tombstones.c.key == key, of_account)).limit(1)
        )
        return bool(rows) or connection.scalar(statement) is not None

    # The key of an account mismatch is another account's, so the body may be too.
    return any(row.account_id == account_id and row.reason != "account_mismatch" for row in rows)


def same_recordings(connection: Connection, job_ids: Collection[str]) -> list[str]:
    """Return the jobs, and those by which this service submitted their recordings again, or first.

    A new job isn't submitted again, so no other jobs follow from these.
    """
    key = submissions.c.idempotency_key
    original = func.substr(key, len(RESUBMISSION_PREFIX) + 1)
    pairs = select(original, submissions.c.job_id).where(
        key.startswith(RESUBMISSION_PREFIX),
        submissions.c.job_id.is_not(None),
        or_(
            key.in_([RESUBMISSION_PREFIX + job_id for job_id in job_ids]),
            submissions.c.job_id.in_(job_ids),
        ),
    )

    return sorted(set(job_ids).union(*connection.execute(pairs).all()))
