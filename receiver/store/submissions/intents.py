"""Intents that were left without an answer: whose turn it is to ask Twilio for them again."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.submissions.outbox import COLUMNS, KEY_LIFETIME, Submission, to_submission
from receiver.store.tables import submissions

_s = submissions.c

REPORT_EXPIRED_FOR = timedelta(days=8)


def claim(connection: Connection, submission: Submission, at: datetime) -> Submission | None:
    """Take it as ours to ask for, and return it so: None if another did, or Twilio answered.

    None is asked for so long after the first time that Twilio may have forgotten its key.
    """
    statement = (
        update(submissions)
        .where(_s.idempotency_key == submission.idempotency_key)
        .where(_s.answered_at.is_(None), _s.refusal.is_(None))
        .where(_s.asked_at == submission.asked_at, _s.created_at >= at - KEY_LIFETIME)
        .values(asked_at=at)
    )
    row = connection.execute(statement.returning(*COLUMNS)).one_or_none()

    return to_submission(row) if row else None


def mark_impossible(connection: Connection, key: str, *, submitted_by: str, at: datetime) -> None:
    """Write down that nothing can be asked for under this key, so that nobody tries it again."""
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
    """Return the keys without an answer of which nobody may ask Twilio any more.

    It may have forgotten them, so that whoever asks might make a second job. What is older than
    TOLD somebody has seen to by now, and nobody can say so.
    """
    statement = (
        select(_s.idempotency_key)
        .where(_s.answered_at.is_(None), _s.refusal.is_(None))
        .where(_s.created_at < at - KEY_LIFETIME, _s.created_at > at - REPORT_EXPIRED_FOR)
        .order_by(_s.created_at)
    )

    return list(connection.execute(statement).scalars())
