"""Submitting a job: written down before Twilio is asked, so that a crash neither loses nor doubles.

Twilio knows a repeat by its Idempotency-Key. So whatever happens after the intent is committed, the
same request can be made again, by its submitter or by whoever finds it unanswered.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from receiver.events.api_events import event_of, record_response
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.retry import DatabaseUnavailableError, query
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import Submission
from receiver.twilio.client import (
    Answer,
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)
from schemas.submission import canonical

logger = logging.getLogger(__name__)

_LONGEST_KEY = 128  # characters, as Twilio says
KEY_RULE = (
    f"must have 1 to {_LONGEST_KEY} printable ASCII characters, and must not begin with "
    f"{RESUBMISSION_PREFIX}, which is for the service's own."
)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What somebody wants of Twilio: a request as schemas.submission.Submission loads it."""

    idempotency_key: str
    request: dict[str, Any]
    submitted_by: str


def submit(engine: Engine, twilio: Twilio, intent: Intent, deadline: Deadline) -> Submission:
    """Return the submission with its job, asking Twilio unless it has answered already.

    Raises store.submissions.KeyReusedError and OutcomeUnknownError, TwilioRefusedError,
    TwilioBusyError, TwilioUnavailableError or
    store.retry.DatabaseUnavailableError. After the last two it may have been submitted or not; a
    repeat with
    the same key makes no second job.
    """
    now = datetime.now(UTC)
    wanted = Submission(
        idempotency_key=intent.idempotency_key,
        request=canonical(intent.request),
        submitted_by=intent.submitted_by,
        created_at=now,
        asked_at=now,
    )
    submission = query(engine, deadline, outbox.record_intent, wanted)
    if submission.answered_at:
        return submission

    return resume(engine, twilio, submission, deadline=deadline)


def resume(
    engine: Engine, twilio: Twilio, submission: Submission, *, deadline: Deadline | None = None
) -> Submission:
    """Ask Twilio for what is written down already, and write its answer down; raises as `submit`.

    The answer enters the ledger first: a job that is marked as taken can be read.
    """
    try:
        answer = twilio.create(
            json.loads(submission.request), idempotency_key=submission.idempotency_key
        )
    except (TwilioRefusedError, TwilioBusyError) as error:
        _note_refusal(engine, submission, error, deadline)
        raise

    return _note_answer(engine, submission, answer, deadline)


def stores_into_conversation(twilio: Twilio, configuration_id: str) -> bool:
    """Tell whether the configuration's transcripts go into a conversation.

    False also where Twilio doesn't say: then it will refuse by itself what it must.
    """
    try:
        told = twilio.configuration(configuration_id).document.get("configuration")
    except (TwilioRefusedError, TwilioBusyError, TwilioUnavailableError):
        return False

    return isinstance(told, dict) and bool(told.get("conversationConfigurationId"))


def lacks_participants(
    request: Mapping[str, Any], stores: Callable[[str], bool]
) -> dict[str, str] | None:
    """Return the fault of a request whose conversation wouldn't know who speaks in it.

    Of a Recording Twilio knows who was on the call. `stores` tells of a configuration's id whether
    its transcripts go into a conversation, and is asked only where that counts.
    """
    if not request.get("media_url") or request.get("participants"):
        return None
    if not stores(request["configuration_id"]):
        return None

    return {
        "detail": "Must be given for a mediaUrl: the configuration stores the transcript into a "
        "conversation.",
        "pointer": "/participants",
    }


def is_idempotency_key(text: str) -> bool:
    """Tell whether a caller's text can be one, by KEY_RULE; with no blank around."""
    return (
        0 < len(text) <= _LONGEST_KEY
        and text.isascii()
        and text.isprintable()
        and text == text.strip()
        and not text.startswith(RESUBMISSION_PREFIX)
    )


def uuid7() -> str:
    """Return a new UUID of version 7 (RFC 9562): the time in ms, and 74 random bits."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62

    return str(UUID(int=bits))


def _note_answer(
    engine: Engine, submission: Submission, answer: Answer, deadline: Deadline | None
) -> Submission:
    now = datetime.now(UTC)
    event = event_of("submission", answer.body, now)
    recorded = record_response(engine, event, deadline=deadline)
    if recorded.reason:
        logger.error(
            "Twilio's answer to a submission can't be used",
            extra={"callback": recorded.id, "job": event.job_id, "reason": recorded.reason},
        )

    return query(
        engine,
        deadline or Deadline(REQUEST_SECONDS),
        outbox.mark_accepted,
        submission.idempotency_key,
        job_id=event.job_id,
        event_id=recorded.id,
        at=now,
    )


def _note_refusal(
    engine: Engine,
    submission: Submission,
    error: TwilioRefusedError | TwilioBusyError,
    deadline: Deadline | None,
) -> None:
    """Write down that Twilio made no job of it, so that nobody takes it up unasked."""
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
    until = deadline or Deadline(REQUEST_SECONDS)
    try:
        query(engine, until, outbox.mark_refused, submission, refusal)
    except DatabaseUnavailableError as away:
        # Then it will be asked again, and refused again.
        logger.warning("a refusal was not written down: %s", away)
