"""Removes what is personal from a job and its events; the other values and the digests stay."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Connection, Row, Text, bindparam, delete, func, text, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.event import Outcome
from receiver.store.jobs.fold import ERASURE, KEPT_MEMBERS
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.jobs.refold import refold
from receiver.store.tables import events, rejected, submissions, watches

# A quarantined event can't be replayed without its body, so it leaves the quarantine.
_REDACT_EVENTS = text("""
WITH found AS (
    SELECT id, body IS NOT NULL AS had_body FROM events
    WHERE job_id = :job_id AND source <> :erasure AND erased_at IS NULL
    ORDER BY id FOR UPDATE
)
UPDATE events SET
    body = NULL,
    head = (SELECT jsonb_object_agg(key, value) FROM jsonb_each(head) WHERE key = ANY(:kept)),
    url = NULL,
    signature = NULL,
    signature_settings = NULL,
    detail = NULL,
    outcome = CASE outcome WHEN 'quarantined' THEN 'erased' ELSE outcome END,
    erased_at = now(),
    transaction_id = pg_current_xact_id()
FROM found WHERE events.id = found.id
RETURNING had_body
""").bindparams(
    bindparam("kept", list(KEPT_MEMBERS), type_=ARRAY(Text)), bindparam("erasure", ERASURE)
)


class Redacted(NamedTuple):
    """How much was erased, by place."""

    jobs: int = 0
    events: int = 0
    bodies: int = 0
    submissions: int = 0
    rejected: int = 0

    def __add__(self, other: tuple[Any, ...]) -> "Redacted":
        """Return the sums."""
        return Redacted(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def erase_locked_job(connection: Connection, job: Row[Any], at: datetime) -> Redacted:
    """Erase a job whose row is locked, with its events; do nothing more if it is erased already."""
    _insert_erasure(connection, job, at)
    redacted = redact_events(connection, job.id)
    refold(connection, job)

    return redacted._replace(jobs=int(job.erased_at is None))


def redact_events(connection: Connection, job_id: str) -> Redacted:
    """Redact all events that name the job, also those in quarantine."""
    had_bodies = connection.execute(_REDACT_EVENTS, {"job_id": job_id}).scalars().all()

    return Redacted(events=len(had_bodies), bodies=sum(had_bodies))


def redact_around(connection: Connection, job_id: str) -> Redacted:
    """Remove the job's watch and rejected requests, and redact its submissions."""
    connection.execute(delete(watches).where(watches.c.job_id == job_id))
    requests = connection.execute(
        delete(rejected).where(rejected.c.job_id == job_id).returning(rejected.c.id)
    )
    submitted = connection.execute(
        update(submissions)
        .where(
            (submissions.c.job_id == job_id)
            | (submissions.c.idempotency_key == RESUBMISSION_PREFIX + job_id),
            submissions.c.request != "",
        )
        # A submission without an answer must not be sent again: its request is gone.
        .values(
            request="",
            refusal=text(
                "CASE WHEN answered_at IS NULL THEN jsonb_build_object('status', 400) END"
            ),
        )
        .returning(submissions.c.idempotency_key)
    )

    return Redacted(submissions=len(submitted.all()), rejected=len(requests.all()))


def _insert_erasure(connection: Connection, job: Row[Any], at: datetime) -> None:
    """Add the erasure to the job's events; a second one changes nothing."""
    statement = insert(events).values(
        sha256=hashlib.sha256(f"erasure\n{job.id}".encode()).digest(),
        source=ERASURE,
        job_id=job.id,
        account_id=job.account_id,
        head={"id": job.id, "account_id": job.account_id},
        body_bytes=0,
        received_at=at,
        last_received_at=func.now(),
        outcome=Outcome.APPLIED,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=[events.c.sha256]))
