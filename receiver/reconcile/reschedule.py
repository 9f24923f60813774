"""Reschedules a job's watch after a poll, or gives the job up."""

import logging
from dataclasses import dataclass, replace

from receiver.reconcile.backoff import MAX_UNKNOWN_IN_A_ROW, is_exhausted, next_delay
from receiver.reconcile.context import ReconcileContext
from receiver.store.polls import polls
from receiver.store.polls.polls import GaveUp, Watch
from receiver.store.polls.reasons import PollReason

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PollOutcome:
    """What a poll led to, as far as the next one depends on it."""

    retry_after_seconds: float | None = None
    is_unknown: bool = False  # Twilio has no such job
    is_unanswered: bool = False


def reschedule(context: ReconcileContext, watch: Watch, outcome: PollOutcome) -> None:
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


def _updated(watch: Watch, need: PollReason, outcome: PollOutcome) -> Watch:
    """Return the watch with this attempt counted; a new need starts with no attempts."""
    if need != watch.need:
        return replace(watch, need=need, attempts=0, unknown=0)

    return replace(
        watch,
        attempts=watch.attempts + 1,
        unknown=watch.unknown + 1 if outcome.is_unknown else 0,
    )


def _give_up_reason(watch: Watch, outcome: PollOutcome) -> GaveUp | None:
    if watch.unknown >= MAX_UNKNOWN_IN_A_ROW:
        return GaveUp.UNKNOWN_AT_TWILIO
    # Only an attempt that Twilio answered may be the last one.
    if is_exhausted(watch.need, watch.attempts) and not outcome.is_unanswered:
        return GaveUp.NOT_THERE_IN_TIME

    return None
