"""Submissions that are nobody's any more: those left without an answer, and lost transcripts."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from marshmallow import ValidationError

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report
from receiver.runtime.errors import locate
from receiver.store.completeness import missing
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.submissions import intents
from receiver.store.submissions.outbox import (
    KeyReusedError,
    OutcomeUnknownError,
    Submission,
    find_unanswered,
    record_intent,
)
from receiver.submissions.submit import resume
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from schemas.submission import Participant, canonical
from schemas.submission import Submission as Request

logger = logging.getLogger(__name__)

# Whoever submitted it is gone: no request and no command waits for so long.
_LEFT = timedelta(minutes=2)
# In one pass; each is money.
_BATCH = 1000
SUBMITTED_BY = "reconcile --resubmit-missing"


def resume_left(context: ReconcileContext, report: Report) -> None:
    """Ask Twilio again for what was submitted and has no answer; it makes no second job of it.

    Raises TwilioRefusedError where it doesn't know us (401), TwilioBusyError,
    TwilioUnavailableError or
    store.retry.DatabaseUnavailableError.
    """
    now = context.clock()
    for left in context.query(find_unanswered, now - _LEFT):
        if context.is_stopping():
            return
        _resume(context, left, now, report)


def _resume(context: ReconcileContext, left: Submission, now: datetime, report: Report) -> None:
    ours = context.query(intents.claim, left, now)
    if ours is None:
        return  # another reconciler has it
    try:
        resume(context.engine, context.twilio, ours)
        report.resumed += 1
    except TwilioRefusedError as error:
        _count_refusal(error, ours.idempotency_key, report)
    except (TwilioBusyError, TwilioUnavailableError, DatabaseUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the next one is another
        report.errors += 1
        logger.error("resuming failed: %s", locate(error), extra={"key": ours.idempotency_key})  # noqa: TRY400 - its text may quote what Twilio said


def resubmit_missing(context: ReconcileContext, report: Report) -> None:
    """Submit the recordings of missing transcripts again, each once at most.

    Raises TwilioRefusedError where it doesn't know us (401), TwilioBusyError,
    TwilioUnavailableError or
    store.retry.DatabaseUnavailableError.
    """
    now = context.clock()
    jobs = context.query(
        missing.jobs_to_resubmit,
        now - context.grace,
        now,
        account_id=context.account_id,
        limit=_BATCH,
    )
    for job in jobs:
        if context.is_stopping():
            return
        _resubmit(context, job, report)


def _resubmit(context: ReconcileContext, job: Mapping[str, Any], report: Report) -> None:
    key = f"{RESUBMISSION_PREFIX}{job['id']}"
    try:
        ours = _claimed(context, key, canonical(Request().load(_request(job))))
        if ours is None:
            return  # another reconciler has it
        resume(context.engine, context.twilio, ours)
    except ValidationError as error:
        report.errors += 1
        faults = ", ".join(map(str, error.messages_dict))
        logger.warning("can't be submitted again: %s", faults, extra={"job": job["id"]})
        context.query(intents.mark_impossible, key, submitted_by=SUBMITTED_BY, at=context.clock())
    except (KeyReusedError, OutcomeUnknownError):
        # Another process has it, or had it, and what came of that isn't known.
        report.errors += 1
        logger.warning("asked for already, and without an answer", extra={"key": key})
    except TwilioRefusedError as error:
        _count_refusal(error, key, report)
    else:
        report.resubmitted += 1


def _claimed(context: ReconcileContext, key: str, request: str) -> Submission | None:
    """Write down that it is about to be asked for; None: another process has done so."""
    now = context.clock()
    wanted = Submission(
        idempotency_key=key,
        request=request,
        submitted_by=SUBMITTED_BY,
        created_at=now,
        asked_at=now,
    )
    known = context.query(record_intent, wanted)

    return known if known.is_first_attempt and known.answered_at is None else None


def _request(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that asks for the same once more."""
    known = {field.data_key or name for name, field in Participant().fields.items()}
    participants = [
        {name: value for name, value in participant.items() if name in known}
        for participant in job["participants"] or ()
    ]
    request = {
        "transcriptionConfigurationId": job["configuration_id"],
        "sourceId": job["source_id"],
        "mediaUrl": None if job["source_id"] else job["media_url"],
        "participants": participants or None,
    }
    if request["mediaUrl"] and job["audio_started_at"]:
        request["audioStartedAt"] = job["audio_started_at"].isoformat()

    return {name: value for name, value in request.items() if value is not None}


def _count_refusal(error: TwilioRefusedError, key: str, report: Report) -> None:
    """Count and tell what Twilio refuses; raises it if nothing else will be taken either."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        raise error
    report.errors += 1
    logger.warning("Twilio refused a submission: %s", error.code, extra={"key": key})
