"""Submits the recordings of missing transcripts again, each of them once."""

import logging
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report, Reports
from receiver.reconcile.resume import count_refusal
from receiver.runtime.deadline import Deadline
from receiver.store.completeness import missing
from receiver.store.engine import transactional
from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from receiver.store.retry import query
from receiver.store.submissions import intents
from receiver.store.submissions.outbox import (
    KeyReusedError,
    OutcomeUnknownError,
    Submission,
    SubmissionErasedError,
)
from receiver.submissions.submit import resume
from receiver.twilio.client import TwilioRefusedError
from schemas.submission import Participant, canonical
from schemas.submission import Submission as Request

logger = logging.getLogger(__name__)

# The limit for one pass: each job costs money.
_MAX_JOBS_COUNT = 1000
SUBMITTED_BY = "reconcile --resubmit-missing"


def resubmit_missing(context: ReconcileContext) -> Reports:
    """Submit the recordings of missing transcripts again.

    Raises TwilioRefusedError for a 401, TwilioBusyError, TwilioUnavailableError or
    store.retry.DatabaseUnavailableError.
    """
    now = context.clock()
    jobs = context.query(
        missing.jobs_to_resubmit,
        now - context.grace,
        now,
        account_id=context.account_id,
        limit=_MAX_JOBS_COUNT,
    )
    for job in jobs:
        if context.is_stopping():
            return
        yield _resubmit(context, job)


def _resubmit(context: ReconcileContext, job: Mapping[str, Any]) -> Report:
    key = f"{RESUBMISSION_PREFIX}{job['id']}"
    try:
        intent = _store_intent(context, key, job)
        if intent is None:
            return Report()  # another process has it, or the job was erased
        resume(context.engine, context.twilio, intent)
    except ValidationError as error:
        members = ", ".join(map(str, error.messages_dict))
        logger.warning("can't be submitted again: %s", members, extra={"job": job["id"]})
        context.query(intents.mark_impossible, key, submitted_by=SUBMITTED_BY, at=context.clock())
        return Report(errors=1)
    except SubmissionErasedError:
        return Report()
    except (KeyReusedError, OutcomeUnknownError):
        # Another process is submitting it, or has submitted it and the outcome is unknown.
        logger.warning("a resubmission without an answer exists already", extra={"key": key})
        return Report(errors=1)
    except TwilioRefusedError as error:
        return count_refusal(error, key)

    return Report(resubmitted=1)


def _store_intent(context: ReconcileContext, key: str, job: Mapping[str, Any]) -> Submission | None:
    """Store that the request is about to be sent.

    Return None if another process did so first, or if the job was erased. Raises ValidationError.
    """
    now = context.clock()
    submission = Submission(
        idempotency_key=key,
        request=canonical(Request().load(_request(job))),
        submitted_by=SUBMITTED_BY,
        created_at=now,
        asked_at=now,
    )
    stored = query(
        transactional(context.engine),
        Deadline(context.query_timeout_seconds),
        intents.record_resubmission,
        submission,
        job["id"],
    )
    if stored is None:
        return None

    return stored if stored.is_first_attempt and stored.answered_at is None else None


def _request(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request that creates the same job again."""
    members = {field.data_key or name for name, field in Participant().fields.items()}
    participants = [
        {name: value for name, value in participant.items() if name in members}
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
