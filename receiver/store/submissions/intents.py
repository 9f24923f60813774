"""Submissions that Twilio has not answered: claimed for a retry, or expired."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.jobs.refold import lock_job
from receiver.store.submissions.outbox import (
    COLUMNS,
    KEY_LIFETIME,
    Submission,
    record_intent,
    to_submission,
)
from receiver.store.tables import submissions

_submission = submissions.c

# Expired submissions are reported until they are this old.
REPORT_EXPIRED_FOR = timedelta(days=8)


def claim(connection: Connection, submission: Submission, at: datetime) -> Submission | None:
    """Claim the submission for a retry and return it.

    Return None if another process has claimed it, Twilio has answered, or the first attempt was so
    long ago that Twilio may have forgotten the Idempotency-Key.
    """
    statement = (
        update(submissions)
        .where(_submission.idempotency_key == submission.idempotency_key)
        .where(_submission.answered_at.is_(None), _submission.refusal.is_(None))
        .where(
            _submission.asked_at == submission.asked_at, _submission.created_at >= at - KEY_LIFETIME
        )
        .values(asked_at=at)
    )
    row = connection.execute(statement.returning(*COLUMNS)).one_or_none()

    return to_submission(row) if row else None


def record_resubmission(
    connection: Connection, submission: Submission, job_id: str
) -> Submission | None:
    """Store a submission of the job's recording before it is sent; None if the job was erased.

    The job is locked, so an erasure that comes later finds the submission. The connection isn't in
    autocommit. Raises what outbox.record_intent raises.
    """
    with connection.begin():
        job = lock_job(connection, job_id)
        if job is None or job.erased_at is not None:
            return None

        return record_intent(connection, submission)


def mark_impossible(connection: Connection, key: str, *, submitted_by: str, at: datetime) -> None:
    """Store that this key can't be submitted. After that it isn't tried again."""
    given = insert(submissions).values(
        idempotency_key=key,
        request="",
        submitted_by=submitted_by,
        created_at=at,
        asked_at=at,
        refusal={"status": 400},
    )
    connection.execute(given.on_conflict_do_nothing())


def find_expired(connection: Connection, at: datetime) -> list[str]:
    """Return the keys of unanswered submissions that must not be retried any more.

    Twilio may have forgotten these keys, so a retry might create a second job. Submissions older
    than REPORT_EXPIRED_FOR are not included: an operator has had time to check them, and has no way
    to mark them as checked.
    """
    statement = (
        select(_submission.idempotency_key)
        .where(_submission.answered_at.is_(None), _submission.refusal.is_(None))
        .where(
            _submission.created_at < at - KEY_LIFETIME,
            _submission.created_at > at - REPORT_EXPIRED_FOR,
        )
        .order_by(_submission.created_at)
    )

    return list(connection.execute(statement).scalars())
