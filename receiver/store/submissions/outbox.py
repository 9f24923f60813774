"""What Twilio is asked to transcribe: known here before it is asked, and what it said."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Row, case, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.runtime.errors import ReceiverError
from receiver.store.jobs.fold import FoldInput, fold
from receiver.store.jobs.read import transcription
from receiver.store.jobs.refold import head_from_json
from receiver.store.tables import events, submissions

# For how long Twilio can be relied upon to know an Idempotency-Key again. What was first asked
# longer ago is not asked again: it might become a second job.
KEY_LIFETIME = timedelta(hours=24)

# The refusals that speak not of the request but of the moment or of us: they tell nothing of what
# became of an earlier ask.
TRANSIENT_STATUSES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)

_s = submissions.c


class KeyReusedError(ReceiverError):
    """The Idempotency-Key stands for another request already (Twilio's 17534)."""


class OutcomeUnknownError(ReceiverError):
    """Nobody knows what came of it, and Twilio may have forgotten its Idempotency-Key."""

    def __init__(self, asked_at: datetime) -> None:
        super().__init__(
            f"It was asked for at {asked_at:%Y-%m-%dT%H:%M:%SZ}, and no answer came. Twilio may "
            "have forgotten the Idempotency-Key since, so that it may become a second job, and "
            "Twilio was not asked again. Look whether the job is there (GET /v3/Transcriptions, "
            "with its sourceId); if not, a new Idempotency-Key submits it anew."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request to Twilio: its canonical JSON, and the job and the event of the answer.

    `created_at` is when Twilio was first asked since it last refused, `asked_at` when it was last.
    """

    idempotency_key: str
    request: str
    submitted_by: str
    created_at: datetime
    asked_at: datetime
    answered_at: datetime | None = None
    job_id: str | None = None
    event_id: int | None = None

    @property
    def is_first_attempt(self) -> bool:
        """Whether no earlier ask has an unknown outcome."""
        return self.created_at == self.asked_at


COLUMNS = [_s[name] for name in Submission.__dataclass_fields__]


def record_intent(connection: Connection, submission: Submission) -> Submission:
    """Write down what is about to be asked, and return it as it is known now.

    It has its answer if it was asked before and Twilio took it. What Twilio refused is forgotten,
    for nothing came of it: it is asked as if for the first time, and may be another request.
    Raises KeyReusedError and OutcomeUnknownError.
    """
    given = insert(submissions).values(
        idempotency_key=submission.idempotency_key,
        request=submission.request,
        submitted_by=submission.submitted_by,
        created_at=submission.created_at,
        asked_at=submission.asked_at,
    )
    excluded, is_refused = given.excluded, _s.refusal.is_not(None)
    anew = {
        name: case((is_refused, excluded[name]), else_=_s[name])
        for name in ("request", "submitted_by", "created_at")
    }
    statement = given.on_conflict_do_update(
        index_elements=[_s.idempotency_key],
        set_={**anew, "asked_at": excluded.asked_at, "refusal": None},
        where=_s.answered_at.is_(None)
        & (
            is_refused
            | (_s.request == excluded.request)
            & (_s.created_at >= submission.asked_at - KEY_LIFETIME)
        ),
    ).returning(*COLUMNS)
    row = connection.execute(statement).one_or_none()
    if row is None:
        known = select(*COLUMNS).where(_s.idempotency_key == submission.idempotency_key)
        row = connection.execute(known).one()
        if row.request != submission.request:
            raise KeyReusedError
        if row.answered_at is None:
            raise OutcomeUnknownError(row.created_at)

    return to_submission(row)


def mark_accepted(
    connection: Connection, key: str, *, job_id: str | None, event_id: int, at: datetime
) -> Submission:
    """Write down which job Twilio made of it, and which event tells; the first time counts."""
    statement = (
        update(submissions)
        .where(_s.idempotency_key == key, _s.answered_at.is_(None))
        .values(answered_at=at, job_id=job_id, event_id=event_id, refusal=None)
    )
    connection.execute(statement)

    known = select(*COLUMNS).where(_s.idempotency_key == key)

    return to_submission(connection.execute(known).one())


def mark_refused(
    connection: Connection, submission: Submission, refusal: Mapping[str, Any]
) -> None:
    """Write down why Twilio didn't take it: until somebody asks again, nobody else does.

    Not if somebody has asked since: that may be taken yet. Nor does a refusal of the moment say
    anything of an earlier ask whose outcome is unknown: that is left to be asked for.
    """
    if refusal["status"] in TRANSIENT_STATUSES and not submission.is_first_attempt:
        return
    connection.execute(
        update(submissions)
        .where(_s.idempotency_key == submission.idempotency_key)
        .where(_s.answered_at.is_(None), _s.asked_at == submission.asked_at)
        .values(refusal=dict(refusal))
    )


def find_unanswered(connection: Connection, older_than: datetime) -> Sequence[Submission]:
    """Return those last asked before this time of which nobody knows what came of them."""
    statement = (
        select(*COLUMNS)
        .where(_s.answered_at.is_(None), _s.refusal.is_(None))
        .where(_s.asked_at < older_than, _s.created_at >= older_than - KEY_LIFETIME)
        .order_by(_s.asked_at)
    )

    return [to_submission(row) for row in connection.execute(statement)]


def accepted_jobs(connection: Connection, keys: Collection[str]) -> dict[str, str | None]:
    """Return of those keys of which Twilio has made a job its id, if it could be understood."""
    statement = select(_s.idempotency_key, _s.job_id).where(
        _s.idempotency_key.in_(keys), _s.answered_at.is_not(None)
    )

    return {row.idempotency_key: row.job_id for row in connection.execute(statement)}


def job_as_accepted(connection: Connection, submission: Submission) -> Mapping[str, Any] | None:
    """Return the job's row as Twilio's answer told it, whatever it has become since.

    None: the answer could not be used, or is there no more.
    """
    job = submission.job_id and transcription(connection, submission.job_id)
    statement = select(events).where(
        events.c.id == submission.event_id, events.c.job_id == submission.job_id
    )
    event = connection.execute(statement).one_or_none()
    if not job or event is None or event.head is None:
        return None
    told = FoldInput(event.sha256, event.source, event.received_at, head_from_json(event.head))

    return {**job, **fold([told])}


def to_submission(row: Row[Any]) -> Submission:
    """Return what a row of these columns tells."""
    return Submission(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
