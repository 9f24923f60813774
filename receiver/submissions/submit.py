"""Submits a job to Twilio: a crash can't lose the job or create a second one.

The intent is committed before Twilio is called, and Twilio recognizes a repeated request by its
Idempotency-Key. So the same request can be repeated later, by the client or by a reconciler.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from receiver.events.api_events import event_of, record_response
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.clock import database_now
from receiver.store.engine import transactional
from receiver.store.erasure.redact import erase_job
from receiver.store.retry import DatabaseUnavailableError, query
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import Submission
from receiver.twilio.client import Twilio, TwilioBusyError, TwilioRefusedError, TwilioResponse
from schemas.submission import canonical

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A job to submit; `request` is what schemas.submission.Submission loads."""

    idempotency_key: str
    request: dict[str, Any]
    submitted_by: str


def submit(engine: Engine, twilio: Twilio, intent: Intent, deadline: Deadline) -> Submission:
    """Return the submission with its job; call Twilio unless it has answered before.

    Raises SubmissionErasedError, KeyReusedError or OutcomeUnknownError of store.submissions.outbox,
    TwilioRefusedError, TwilioBusyError, TwilioUnavailableError or
    store.retry.DatabaseUnavailableError. After the last two it is unknown whether the job was
    submitted; the same request with the same key creates no second job.
    """
    # Whether Twilio still remembers the key is decided by these times, perhaps on another host.
    now = query(engine, deadline, database_now)
    new = Submission(
        idempotency_key=intent.idempotency_key,
        request=canonical(intent.request),
        submitted_by=intent.submitted_by,
        created_at=now,
        asked_at=now,
    )
    submission = query(engine, deadline, outbox.record_intent, new)
    if submission.answered_at:
        return submission

    return resume(engine, twilio, submission, deadline=deadline)


def resume(
    engine: Engine, twilio: Twilio, submission: Submission, *, deadline: Deadline | None = None
) -> Submission:
    """Send a stored intent to Twilio and store the response; raises what `submit` raises."""
    try:
        response = twilio.create(
            json.loads(submission.request), idempotency_key=submission.idempotency_key
        )
    except (TwilioRefusedError, TwilioBusyError) as error:
        _store_refusal(engine, submission, error, deadline)
        raise

    return _store_response(engine, submission, response, deadline)


def _store_response(
    engine: Engine, submission: Submission, response: TwilioResponse, deadline: Deadline | None
) -> Submission:
    """Record the response before the submission is marked, so that its job is readable then."""
    now = datetime.now(UTC)
    event = event_of("submission", response.body, now)
    recorded = record_response(engine, event, deadline=deadline)
    if recorded.reason:
        logger.error(
            "Twilio's answer to a submission can't be used",
            extra={"callback": recorded.id, "job": event.job_id, "reason": recorded.reason},
        )

    accepted = query(
        engine,
        deadline or Deadline(REQUEST_SECONDS),
        outbox.mark_accepted,
        submission.idempotency_key,
        job_id=event.job_id,
        event_id=recorded.id,
        at=now,
    )
    if accepted.is_erased and event.job_id:
        _erase(engine, event.job_id, now, deadline)

    return accepted


def _erase(engine: Engine, job_id: str, at: datetime, deadline: Deadline | None) -> None:
    """Erase a new job: its submission was erased while Twilio answered."""

    def erase(connection: Connection) -> None:
        with connection.begin():
            erase_job(connection, job_id, None, at)

    query(transactional(engine), deadline or Deadline(REQUEST_SECONDS), erase)


def _store_refusal(
    engine: Engine,
    submission: Submission,
    error: TwilioRefusedError | TwilioBusyError,
    deadline: Deadline | None,
) -> None:
    """Store that Twilio created no job, so that no reconciler repeats the request."""
    refusal = (
        {"status": 429}
        if isinstance(error, TwilioBusyError)
        else {
            "status": error.status,
            "code": error.code,
            "detail": error.detail,
            "errors": error.errors,
        }
    )
    deadline = deadline or Deadline(REQUEST_SECONDS)
    try:
        query(engine, deadline, outbox.mark_refused, submission, refusal)
    except DatabaseUnavailableError as unavailable:
        # A reconciler repeats the request then, and Twilio refuses it again.
        logger.warning("a refusal was not stored: %s", unavailable)
