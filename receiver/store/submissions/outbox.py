"""The outbox of submissions: each is stored before it is sent, and then with Twilio's response."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Row, case, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.runtime.errors import ReceiverError
from receiver.runtime.utc import format_utc
from receiver.store.jobs.fold import FoldInput, fold
from receiver.store.jobs.read import transcription
from receiver.store.jobs.refold import head_from_json
from receiver.store.tables import events, submissions

# Twilio recognizes an Idempotency-Key for at least this time. After that a submission is not sent
# again, because it might become a second job.
KEY_LIFETIME = timedelta(hours=24)

# Refusals because of our credentials or the rate of requests, not because of the request. They
# don't show whether an earlier attempt succeeded.
TRANSIENT_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)

_submission = submissions.c


class KeyReusedError(ReceiverError):
    """The Idempotency-Key was used for another request (Twilio's 17534)."""


class SubmissionErasedError(ReceiverError):
    """The submission with this Idempotency-Key was erased; nothing is submitted under it again."""


class OutcomeUnknownError(ReceiverError):
    """The outcome is unknown, and Twilio may have forgotten the Idempotency-Key."""

    def __init__(self, asked_at: datetime) -> None:
        super().__init__(
            f"It was submitted at {format_utc(asked_at)}, and Twilio did not answer. It was "
            "not submitted again: Twilio may have forgotten the Idempotency-Key, so it might "
            "become a second job. Check whether the job exists (GET /v3/Transcriptions, with its "
            "sourceId). If it doesn't, submit it with a new Idempotency-Key."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request to Twilio, and the job and the event of the response."""

    idempotency_key: str
    request: str  # canonical JSON
    submitted_by: str
    created_at: datetime  # the first attempt since Twilio last refused it
    asked_at: datetime  # the last attempt
    answered_at: datetime | None = None
    job_id: str | None = None
    event_id: int | None = None

    @property
    def is_erased(self) -> bool:
        """Whether the request was erased."""
        return not self.request

    @property
    def is_first_attempt(self) -> bool:
        """Whether no earlier attempt has an unknown outcome."""
        return self.created_at == self.asked_at


COLUMNS = [_submission[name] for name in Submission.__dataclass_fields__]


def record_intent(connection: Connection, submission: Submission) -> Submission:
    """Store a submission before it is sent; return it as it is stored now.

    If Twilio accepted an earlier attempt, the result has `answered_at`. If Twilio refused it, no
    job exists: then this counts as the first attempt, and the request may differ from the refused
    one. Raises SubmissionErasedError, KeyReusedError or OutcomeUnknownError.
    """
    given = insert(submissions).values(
        idempotency_key=submission.idempotency_key,
        request=submission.request,
        submitted_by=submission.submitted_by,
        created_at=submission.created_at,
        asked_at=submission.asked_at,
    )
    excluded, is_refused = given.excluded, _submission.refusal.is_not(None)
    replaced = {
        name: case((is_refused, excluded[name]), else_=_submission[name])
        for name in ("request", "submitted_by", "created_at")
    }
    statement = given.on_conflict_do_update(
        index_elements=[_submission.idempotency_key],
        set_={**replaced, "asked_at": excluded.asked_at, "refusal": None},
        where=_submission.answered_at.is_(None)
        & (_submission.request != "")
        & (
            is_refused
            | (_submission.request == excluded.request)
            & (_submission.created_at >= submission.asked_at - KEY_LIFETIME)
        ),
    ).returning(*COLUMNS)
    row = connection.execute(statement).one_or_none()
    if row is None:
        known = select(*COLUMNS).where(_submission.idempotency_key == submission.idempotency_key)
        row = connection.execute(known).one()
        if not row.request:
            raise SubmissionErasedError
        if row.request != submission.request:
            raise KeyReusedError
        if row.answered_at is None:
            raise OutcomeUnknownError(row.created_at)

    return to_submission(row)


def mark_accepted(
    connection: Connection, key: str, *, job_id: str | None, event_id: int | None, at: datetime
) -> Submission:
    """Store the job that Twilio created and the event with its response; later calls do nothing."""
    statement = (
        update(submissions)
        .where(_submission.idempotency_key == key, _submission.answered_at.is_(None))
        .values(answered_at=at, job_id=job_id, event_id=event_id, refusal=None)
    )
    connection.execute(statement)

    known = select(*COLUMNS).where(_submission.idempotency_key == key)

    return to_submission(connection.execute(known).one())


def mark_refused(
    connection: Connection, submission: Submission, refusal: Mapping[str, Any]
) -> None:
    """Store why Twilio refused the submission, so that it is not retried automatically.

    Nothing is stored if another attempt began after this one: Twilio may still accept that. After a
    transient refusal nothing is stored if the outcome of an earlier attempt is unknown: it must be
    retried.
    """
    if refusal["status"] in TRANSIENT_STATUSES and not submission.is_first_attempt:
        return
    connection.execute(
        update(submissions)
        .where(_submission.idempotency_key == submission.idempotency_key)
        .where(_submission.answered_at.is_(None), _submission.asked_at == submission.asked_at)
        .values(refusal=dict(refusal))
    )


def find_unanswered(connection: Connection, older_than: datetime) -> Sequence[Submission]:
    """Return the submissions with an unknown outcome and the last attempt before this time."""
    statement = (
        select(*COLUMNS)
        .where(_submission.answered_at.is_(None), _submission.refusal.is_(None))
        .where(
            _submission.asked_at < older_than, _submission.created_at >= older_than - KEY_LIFETIME
        )
        .order_by(_submission.asked_at)
    )

    return [to_submission(row) for row in connection.execute(statement)]


def accepted_jobs(connection: Connection, keys: Collection[str]) -> dict[str, str | None]:
    """Map each key that Twilio accepted to its job id; None if the response was unreadable."""
    statement = select(_submission.idempotency_key, _submission.job_id).where(
        _submission.idempotency_key.in_(keys), _submission.answered_at.is_not(None)
    )

    return {row.idempotency_key: row.job_id for row in connection.execute(statement)}


def job_as_accepted(connection: Connection, submission: Submission) -> Mapping[str, Any] | None:
    """Return the job's row with the values of Twilio's response, without any later event.

    None if the response was unusable, or no longer exists.
    """
    job = submission.job_id and transcription(connection, submission.job_id)
    statement = select(events).where(
        events.c.id == submission.event_id, events.c.job_id == submission.job_id
    )
    event = connection.execute(statement).one_or_none()
    if not job or event is None or event.head is None:
        return None
    head = head_from_json(event.head)

    return {**job, **fold([FoldInput(event.sha256, event.source, event.received_at, head)])}


def to_submission(row: Row[Any]) -> Submission:
    """Return the submission of a row with the columns COLUMNS."""
    return Submission(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
