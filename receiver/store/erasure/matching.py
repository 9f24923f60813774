"""Finds the jobs that an erasure concerns."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, text

from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.tables import ADDRESSES, events, submissions, transcriptions

_job = transcriptions.c


def with_address(address: str) -> ColumnElement[bool]:
    """Return the condition that a participant of the job has this address; it is indexed."""
    return or_(*(text(f"{place} = :address").bindparams(address=address) for place in ADDRESSES))


def in_conversation(conversation_id: str) -> ColumnElement[bool]:
    """Return the condition that the job belongs to this conversation; it is indexed."""
    return _job.conversation_id == conversation_id


def unerased_jobs(
    connection: Connection, condition: ColumnElement[bool], *, began_before: datetime
) -> Sequence[str]:
    """Return the jobs with this condition that aren't erased and began before this time."""
    statement = select(_job.id).where(
        condition, _job.erased_at.is_(None), _job.sort_at < began_before
    )

    return connection.scalars(statement.order_by(_job.id)).all()


def is_known(connection: Connection, job_id: str, *, account_id: str | None) -> bool:
    """Return whether there is such a job, or a quarantined event that claims to be of it.

    `account_id` is the account of a bound API key, None if any account's job may be erased.
    """
    owner = connection.scalar(select(_job.account_id).where(_job.id == job_id))
    claims = select(events.c.account_id).where(events.c.job_id == job_id).distinct()
    owners = connection.scalars(claims).all() if owner is None else [owner]

    return bool(owners) if account_id is None else set(owners) == {account_id}


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
