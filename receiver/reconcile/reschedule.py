"""Reschedules a job's watch after a poll, or stops polling the job."""

import logging
from dataclasses import dataclass, replace

from receiver.reconcile.backoff import MAX_UNKNOWN_IN_A_ROW, is_exhausted, next_delay
from receiver.reconcile.context import ReconcileContext
from receiver.store.polls import queue, reasons
from receiver.store.polls.queue import GiveUpReason, Watch
from receiver.store.polls.reasons import PollReason

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PollOutcome:
    """The parts of a poll's result that decide about the next poll."""

    retry_after_seconds: float | None = None
    is_unknown: bool = False  # Twilio has no such job
    is_unanswered: bool = False  # Twilio did not answer


def reschedule(context: ReconcileContext, watch: Watch, outcome: PollOutcome) -> None:
    """Store when to poll the job again, or that it is not polled any more."""
    job_id = watch.job["id"]
    still_needed = context.query(reasons.poll_reason, job_id)
    if still_needed is None:
        return  # the watch is removed when it is due
    reason, ended_at = still_needed
    updated = _updated(watch, reason, outcome)
    if cause := _give_up_reason(updated, outcome):
        logger.warning("a job is not polled any more", extra={"job": job_id, "reason": cause.value})
        context.query(queue.give_up, updated, cause)
        return
    due_at = context.clock() + next_delay(reason, updated.attempts, outcome.retry_after_seconds)
    if updated.attempts == 0 and reason == PollReason.TRANSCRIPT:
        due_at = ended_at + context.grace
    context.query(queue.reschedule, updated, due_at)


def _updated(watch: Watch, reason: PollReason, outcome: PollOutcome) -> Watch:
    """Return the watch with this attempt counted; a new reason starts with no attempts."""
    if reason != watch.reason:
        return replace(watch, reason=reason, attempts=0, unknown=0)

    return replace(
        watch,
        attempts=watch.attempts + 1,
        unknown=watch.unknown + 1 if outcome.is_unknown else 0,
    )


def _give_up_reason(watch: Watch, outcome: PollOutcome) -> GiveUpReason | None:
    if watch.unknown >= MAX_UNKNOWN_IN_A_ROW:
        return GiveUpReason.UNKNOWN_AT_TWILIO
    # Only an attempt that Twilio answered may be the last one.
    if is_exhausted(watch.reason, watch.attempts) and not outcome.is_unanswered:
        return GiveUpReason.NOT_THERE_IN_TIME

    return None
