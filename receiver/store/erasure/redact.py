"""Removes what is personal from a job and its events; the other values and the digests stay."""

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Row,
    Text,
    TextClause,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from receiver.store.erasure.holds import is_held
from receiver.store.erasure.tombstones import add_tombstones, job_key
from receiver.store.event import Outcome
from receiver.store.jobs.fold import ERASURE, KEPT_MEMBERS
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.jobs.refold import lock_job, refold
from receiver.store.tables import events, rejected, submissions, transcript_index, watches

# A quarantined event can't be replayed without its body, so it leaves the quarantine.
_REDACT = """
WITH found AS (
    SELECT id, body IS NOT NULL AS had_body FROM events
    WHERE {condition} AND source <> :erasure AND erased_at IS NULL ORDER BY id FOR UPDATE
)
UPDATE events SET
    head = (SELECT jsonb_object_agg(key, value) FROM jsonb_each(head) WHERE key = ANY(:kept)),
    body = NULL,
    content_type = NULL,
    idempotency_token = NULL,
    url = NULL,
    signature = NULL,
    signature_settings = NULL,
    detail = NULL,
    outcome = CASE outcome WHEN 'quarantined' THEN 'erased' ELSE outcome END,
    erased_at = now(),
    transaction_id = pg_current_xact_id()
FROM found WHERE events.id = found.id
RETURNING had_body, sha256
"""


def _redaction(condition: str) -> TextClause:
    return text(_REDACT.format(condition=condition)).bindparams(
        bindparam("kept", list(KEPT_MEMBERS), type_=ARRAY(Text)), bindparam("erasure", ERASURE)
    )


_REDACT_EVENTS = _redaction("job_id = :job_id")
# An unusable body may claim no account. Then it is that of the key that signed it.
_REDACT_EVENTS_OF_ACCOUNT = _redaction("""job_id = :job_id
    AND (account_id = :account_id OR account_id IS NULL AND (
        key_id = :account_id OR right(key_id, length(:account_id) + 1) = '@' || :account_id))""")
_REDACT_EVENT = _redaction(f"""id = :event_id AND outcome = 'quarantined'
    AND NOT {is_held("events.job_id", content="events.body")}""")
_REDACT_BODY = _redaction("sha256 = :sha256 AND outcome = 'quarantined'")

# Rows on hold stay, if no job's row describes them.
_IS_REJECTED_FREE = text(f"NOT {is_held('rejected.job_id', content='rejected.body')}")
_SUBMITTED = "convert_to(submissions.request, 'UTF8')"
_IS_SUBMISSION_FREE = text(f"NOT {is_held('submissions.job_id', content=_SUBMITTED)}")

# A submission without an answer is not sent again: its request is gone.
_NOT_SENT = literal({"status": 400}, JSONB)

_HASH_SUBMISSION_KEY = text("""
UPDATE submissions SET idempotency_key = 'erased-' ||
    encode(sha256(erasure_key.key || convert_to(idempotency_key, 'UTF8')), 'hex')
FROM erasure_key WHERE idempotency_key = :key
""")


class Extent(NamedTuple):
    """Which events of a job are erased: those of one account, or all.

    Any account can send a callback that names another one's job.
    """

    account_id: str | None = None
    of_owner: bool = False  # the account to which the job belongs


EVERYTHING = Extent()
# For an address or a conversation, which leads to a job of one account. Nothing says that what
# others have sent of this job is of the address.
OF_OWNER = Extent(of_owner=True)

# How much was erased, by place: jobs, events, bodies, submissions, rejected.
Counts = Counter[str]


def erase_job(
    connection: Connection,
    job_id: str,
    erasure_id: int | None,
    at: datetime,
    extent: Extent = EVERYTHING,
) -> Counts:
    """Erase the job, and everything else that names it, in one transaction."""
    job = lock_job(connection, job_id)
    account_id = job.account_id if job is not None and extent.of_owner else extent.account_id
    add_tombstones(connection, [job_key(job_id, account_id)], at, erasure_id)
    is_own = job is not None and account_id in {None, job.account_id}
    if job is not None and is_own:
        counts = erase_locked_job(connection, job, at, account_id=account_id)
    else:  # callbacks in quarantine name it, or its row was lost and can be rebuilt
        counts = redact_events(connection, job_id, account_id=account_id)
        if job is None:
            _remove_from_index(connection, job_id)
            _insert_erasure_of_lost(connection, job_id, account_id, at)
    requests = delete(rejected).where(rejected.c.job_id == job_id, _IS_REJECTED_FREE)
    if account_id is not None:
        requests = requests.where(rejected.c.account_id == account_id)
    counts += Counter(rejected=connection.execute(requests).rowcount)
    if account_id is not None and not is_own:
        return counts
    connection.execute(delete(watches).where(watches.c.job_id == job_id))
    is_submission = or_(
        submissions.c.job_id == job_id,
        submissions.c.idempotency_key == RESUBMISSION_PREFIX + job_id,
    )

    return counts + Counter(submissions=_redact_submissions(connection, is_submission))


def erase_locked_job(
    connection: Connection, job: Row[Any], at: datetime, *, account_id: str | None
) -> Counts:
    """Erase a job whose row is locked, with its events; a repetition changes nothing.

    Other accounts' events that name it stay if `account_id` is that of the job.
    """
    _insert_erasure(connection, job.id, job.account_id, at)
    counts = redact_events(connection, job.id, account_id=account_id)
    _remove_from_index(connection, job.id)
    refold(connection, job)

    return counts + Counter(jobs=int(job.erased_at is None))


def redact_events(connection: Connection, job_id: str, *, account_id: str | None) -> Counts:
    """Redact all events that name the job, also those in quarantine: an account's, or all."""
    parameters = {"job_id": job_id}
    statement = _REDACT_EVENTS
    if account_id is not None:
        statement, parameters["account_id"] = _REDACT_EVENTS_OF_ACCOUNT, account_id
    had_bodies = connection.execute(statement, parameters).scalars().all()

    return Counter(events=len(had_bodies), bodies=sum(had_bodies))


def redact_body(connection: Connection, sha256: bytes) -> None:
    """Redact the event with this digest, if it is in quarantine.

    It was received without the id of its job, which is known now, and erased.
    """
    connection.execute(_REDACT_BODY, {"sha256": sha256})


def redact_event(connection: Connection, event_id: int, erasure_id: int, at: datetime) -> Counts:
    """Redact one event in quarantine; its body won't be stored again either.

    One that is on hold stays.
    """
    row = connection.execute(_REDACT_EVENT, {"event_id": event_id}).one_or_none()
    if row is None:
        return Counter()
    add_tombstones(connection, [f"sha256:{row.sha256.hex()}"], at, erasure_id)

    return Counter(events=1, bodies=int(row.had_body))


def redact_submission(connection: Connection, key: str, *, is_key_personal: bool) -> Counts:
    """Redact a submission; if its key is personal too, a hash replaces it. On hold, it stays."""
    is_free = and_(submissions.c.idempotency_key == key, _IS_SUBMISSION_FREE)
    if not connection.scalar(select(submissions.c.idempotency_key).where(is_free)):
        return Counter()
    changed = _redact_submissions(connection, submissions.c.idempotency_key == key)
    if is_key_personal:
        changed = connection.execute(_HASH_SUBMISSION_KEY, {"key": key}).rowcount

    return Counter(submissions=changed)


def remove_rejected(connection: Connection, request_id: int) -> Counts:
    """Remove a rejected request, unless it is on hold."""
    is_free = and_(rejected.c.id == request_id, _IS_REJECTED_FREE)
    removed = connection.execute(delete(rejected).where(is_free))

    return Counter(rejected=removed.rowcount)


def _remove_from_index(connection: Connection, job_id: str) -> None:
    """Remove the job's words from the search; they can be made again from a body, if one stays."""
    connection.execute(delete(transcript_index).where(transcript_index.c.job_id == job_id))


def _redact_submissions(connection: Connection, is_concerned: ColumnElement[bool]) -> int:
    """Redact the submissions; return how many weren't redacted yet."""
    statement = (
        update(submissions)
        .where(is_concerned, submissions.c.request != "")
        .values(
            request="",
            refusal=case((submissions.c.answered_at.is_(None), _NOT_SENT), else_=null()),
        )
    )

    return connection.execute(statement).rowcount


def _insert_erasure_of_lost(
    connection: Connection, job_id: str, account_id: str | None, at: datetime
) -> None:
    """Add the erasure to a job that has no row, if it has events from which it can be rebuilt."""
    of_job = select(events.c.account_id).where(
        events.c.job_id == job_id, events.c.outcome.in_((Outcome.APPLIED, Outcome.STALE))
    )
    owner = connection.scalar(of_job.order_by(events.c.id).limit(1))
    if owner is not None and account_id in {None, owner}:
        _insert_erasure(connection, job_id, owner, at)


def _insert_erasure(connection: Connection, job_id: str, account_id: str, at: datetime) -> None:
    """Add the erasure to the job's events; a second one changes nothing."""
    statement = insert(events).values(
        sha256=hashlib.sha256(f"erasure\n{job_id}".encode()).digest(),
        source=ERASURE,
        job_id=job_id,
        account_id=account_id,
        head={"id": job_id, "account_id": account_id},
        body_bytes=0,
        received_at=at,
        last_received_at=func.now(),
        outcome=Outcome.APPLIED,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=[events.c.sha256]))
