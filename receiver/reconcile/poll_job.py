"""Asking about one job: what it needs, and when to ask again."""

import logging
from dataclasses import dataclass, replace
from http import HTTPStatus

from receiver.reconcile.backoff import MOST_TIMES_UNKNOWN, is_exhausted, next_delay
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.conversation import document_of
from receiver.reconcile.documents import event_from, record_documents, record_event
from receiver.reconcile.report import Report
from receiver.runtime.errors import locate
from receiver.store.polls import queue
from receiver.store.polls.queue import GaveUp, Watch
from receiver.store.polls.reasons import PollReason
from receiver.store.retry import DatabaseUnavailableError
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Outcome:
    """What came of asking: Twilio's Retry-After, that it knows no such job, or gave no answer."""

    retry_after: float | None = None
    is_unknown: bool = False
    is_away: bool = False


def poll_job(context: ReconcileContext, watched: Watch, report: Report) -> bool:
    """Ask about a claimed job and settle its watch; return whether Twilio answered at all.

    Raises TwilioRefusedError where it doesn't know us (401), TwilioBusyError and
    store.retry.DatabaseUnavailableError.
    """
    about = {"job": watched.job["id"]}
    outcome = _Outcome()
    try:
        outcome.retry_after = _answered(context, watched, report)
    except (TwilioBusyError, DatabaseUnavailableError):
        raise
    except TwilioRefusedError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise  # nor would Twilio tell of another; while a 403 may be of this one alone
        is_not_found = error.status == HTTPStatus.NOT_FOUND
        outcome.is_unknown = is_not_found and watched.reason != PollReason.TRANSCRIPT
        report.errors += not is_not_found
        report.unknown += outcome.is_unknown
        logger.warning("Twilio told nothing of a job: code %s", error.code, extra=about)
    except TwilioUnavailableError as error:
        outcome.is_away = True
        report.errors += 1
        logger.warning("%s", error, extra=about)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next job is another
        report.errors += 1
        logger.error("asking failed: %s", locate(error), extra=about)  # noqa: TRY400 - its text may quote what Twilio said
    _settle(context, watched, outcome)

    return not outcome.is_away


def _answered(context: ReconcileContext, watched: Watch, report: Report) -> float | None:
    """Ask, record the answer, and return Twilio's Retry-After."""
    if watched.reason == PollReason.TRANSCRIPT:
        _read_conversation(context, watched, report)
        return None
    answer = context.twilio.fetch(watched.job["id"])
    inner = answer.document.get("transcription")
    record_documents(context, [inner if isinstance(inner, dict) else answer.document], report)

    return answer.retry_after


def _read_conversation(context: ReconcileContext, watched: Watch, report: Report) -> None:
    """Record the transcript that the job's conversation holds, if it is all there."""
    job = watched.job
    report.checked += 1
    document = document_of(
        job,
        context.twilio.communications(job["conversation_id"]),
        is_alone=context.query(queue.is_alone, job),
        is_last_chance=is_exhausted(watched.reason, watched.attempts + 1),
    )
    if document is not None and record_event(
        context, event_from(context, "conversation", document), report
    ):
        report.fetched_back += 1


def _settle(context: ReconcileContext, watched: Watch, outcome: _Outcome) -> None:
    job_id = watched.job["id"]
    needed = context.query(queue.poll_reason, job_id)
    if needed is None:
        return  # the watch goes once it is due
    need, ended_at = needed
    anew = _anew(watched, need, outcome)
    if why := _gave_up(anew, outcome):
        logger.warning("giving up on a job", extra={"job": job_id, "reason": why.value})
        context.query(queue.give_up, anew, why)
        return
    due_at = context.clock() + next_delay(need, anew.attempts, outcome.retry_after)
    if anew.attempts == 0 and need == PollReason.TRANSCRIPT:
        due_at = ended_at + context.grace
    context.query(queue.reschedule, anew, due_at)


def _anew(watched: Watch, need: PollReason, outcome: _Outcome) -> Watch:
    """Return the watch with this time counted; for what is needed only now nobody has asked."""
    if need != watched.reason:
        return replace(watched, reason=need, attempts=0, unknown=0)

    return replace(
        watched,
        attempts=watched.attempts + 1,
        unknown=watched.unknown + 1 if outcome.is_unknown else 0,
    )


def _gave_up(watched: Watch, outcome: _Outcome) -> GaveUp | None:
    if watched.unknown >= MOST_TIMES_UNKNOWN:
        return GaveUp.UNKNOWN_AT_TWILIO
    # The last time is one that Twilio answered.
    if is_exhausted(watched.reason, watched.attempts) and not outcome.is_away:
        return GaveUp.NOT_THERE_IN_TIME

    return None
