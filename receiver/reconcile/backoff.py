"""Backoff: how long to wait before asking Twilio again, and when to stop asking."""

import random
from datetime import timedelta

from receiver.store.polls.queue import MIN_POLL_DELAY
from receiver.store.polls.reasons import PollReason
from receiver.twilio.client import TwilioBusyError

# A job may take hours, but is rarely unfinished after a day. Polling slows down then.
_MAX_DELAY = timedelta(minutes=10)
_MAX_SLOW_DELAY = timedelta(hours=6)
_FAST_ATTEMPTS = 150  # about a day, at _MAX_DELAY
# Twilio doesn't say when a conversation has its transcript. With delays that double up to six
# hours, this many attempts take about a day.
MAX_ATTEMPTS = 14
# Twilio may not know a new job immediately. After this many 404 responses in a row, which take
# about 50 minutes, it will never know the job.
MAX_UNKNOWN_IN_A_ROW = 10
# If a 429 has no Retry-After.
_DEFAULT_THROTTLE_SECONDS = 30.0


def next_delay(
    reason: PollReason, attempts: int, retry_after_seconds: float | None = None
) -> timedelta:
    """Return the delay after this many unsuccessful attempts, but not less than Retry-After.

    A random share is added, so that jobs that were polled at the same moment spread out.
    """
    is_fast = reason == PollReason.STATUS and attempts < _FAST_ATTEMPTS
    max_delay = _MAX_DELAY if is_fast else _MAX_SLOW_DELAY
    doubled: timedelta = min(MIN_POLL_DELAY * 2 ** min(attempts, 20), max_delay)
    min_delay = max(doubled, timedelta(seconds=retry_after_seconds or 0))
    spread: float = random.uniform(1, 1.2)  # noqa: S311 - spreads the load, no secret

    return min_delay * spread


def throttle_seconds(busy: TwilioBusyError) -> float:
    """Return for how many seconds Twilio must not be called after a 429."""
    seconds = busy.retry_after_seconds

    return _DEFAULT_THROTTLE_SECONDS if seconds is None else seconds


def is_exhausted(reason: PollReason, attempts: int) -> bool:
    """Return whether no more attempts are made. An unfinished job is polled until it ends."""
    return reason != PollReason.STATUS and attempts >= MAX_ATTEMPTS
