"""Polls one job: fetches what it needs, records it, and reschedules its watch."""

import logging
from collections.abc import Generator
from dataclasses import dataclass, replace
from http import HTTPStatus

from receiver.reconcile.backoff import MAX_UNKNOWN_IN_A_ROW, is_exhausted, next_delay
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.conversation import build_document
from receiver.reconcile.documents import event_from, record_documents, record_event
from receiver.reconcile.report import Report, Reports
from receiver.runtime.errors import locate
from receiver.store.polls import polls
from receiver.store.polls.polls import GaveUp, Watch
from receiver.store.polls.reasons import PollReason
from receiver.store.retry import DatabaseUnavailableError
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What a poll led to, as far as the next one depends on it."""

    retry_after_seconds: float | None = None
    is_unknown: bool = False  # Twilio has no such job
    is_unanswered: bool = False


def poll_job(context: ReconcileContext, watch: Watch) -> Generator[Report, None, bool]:
    """Poll a claimed job and reschedule its watch; return whether Twilio answered.

    Raises TwilioRefusedError for a 401, TwilioBusyError and store.retry.DatabaseUnavailableError.
    """
    fields = {"job": watch.job["id"]}
    outcome = _Outcome()
    try:
        retry_after_seconds = yield from _fetch(context, watch)
        outcome = _Outcome(retry_after_seconds=retry_after_seconds)
    except (TwilioBusyError, DatabaseUnavailableError):
        raise
    except TwilioRefusedError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise  # it would repeat for every job; a 403 may concern this job only
        is_missing = error.status == HTTPStatus.NOT_FOUND
        outcome = _Outcome(is_unknown=is_missing and watch.need != PollReason.TRANSCRIPT)
        yield Report(errors=int(not is_missing), unknown=int(outcome.is_unknown))
        logger.warning("Twilio refused to describe a job: code %s", error.code, extra=fields)
    except TwilioUnavailableError as error:
        outcome = _Outcome(is_unanswered=True)
        yield Report(errors=1)
        logger.warning("%s", error, extra=fields)
    except Exception as error:  # noqa: BLE001 - it must not prevent other jobs' polls
        yield Report(errors=1)
        logger.error("polling a job failed: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote Twilio's response
    _reschedule(context, watch, outcome)

    return not outcome.is_unanswered


def _fetch(context: ReconcileContext, watch: Watch) -> Generator[Report, None, float | None]:
    """Fetch and record what the job needs; return Twilio's Retry-After in seconds."""
    if watch.need == PollReason.TRANSCRIPT:
        yield from _fetch_transcript(context, watch)
        return None
    response = context.twilio.fetch(watch.job["id"])
    job = response.document.get("transcription")
    yield from record_documents(context, [job if isinstance(job, dict) else response.document])

    return response.retry_after_seconds


def _fetch_transcript(context: ReconcileContext, watch: Watch) -> Reports:
    """Record the transcript of the job's conversation if it is complete."""
    job = watch.job
    yield Report(checked=1)
    document = build_document(
        job,
        context.twilio.communications(job["conversation_id"]),
        is_alone=context.query(polls.is_alone, job),
        is_last_chance=is_exhausted(watch.need, watch.attempts + 1),
    )
    if document is None:
        return
    is_usable = record_event(context, event_from(context, "conversation", document))
    yield Report(fetched_back=1) if is_usable else Report(unusable=1)


def _reschedule(context: ReconcileContext, watch: Watch, outcome: _Outcome) -> None:
    """Store when to poll the job again, or that it was given up."""
    job_id = watch.job["id"]
    needed = context.query(polls.need_of, job_id)
    if needed is None:
        return  # the watch is removed when it is due
    need, ended_at = needed
    updated = _updated(watch, need, outcome)
    if reason := _give_up_reason(updated, outcome):
        logger.warning("giving up on a job", extra={"job": job_id, "reason": reason.value})
        context.query(polls.give_up, updated, reason)
        return
    due_at = context.clock() + next_delay(need, updated.attempts, outcome.retry_after_seconds)
    if updated.attempts == 0 and need == PollReason.TRANSCRIPT:
        due_at = ended_at + context.grace
    context.query(polls.reschedule, updated, due_at)


def _updated(watch: Watch, need: PollReason, outcome: _Outcome) -> Watch:
    """Return the watch with this attempt counted; a new need starts with no attempts."""
    if need != watch.need:
        return replace(watch, need=need, attempts=0, unknown=0)

    return replace(
        watch,
        attempts=watch.attempts + 1,
        unknown=watch.unknown + 1 if outcome.is_unknown else 0,
    )


def _give_up_reason(watch: Watch, outcome: _Outcome) -> GaveUp | None:
    if watch.unknown >= MAX_UNKNOWN_IN_A_ROW:
        return GaveUp.UNKNOWN_AT_TWILIO
    # Only an attempt that Twilio answered may be the last one.
    if is_exhausted(watch.need, watch.attempts) and not outcome.is_unanswered:
        return GaveUp.NOT_THERE_IN_TIME

    return None
