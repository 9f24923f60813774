"""The pace of asking: how long until the next time, and when to give up."""

import random
from datetime import timedelta

from receiver.store.polls.queue import MIN_POLL_DELAY
from receiver.store.polls.reasons import PollReason
from receiver.twilio.client import TwilioBusyError

# A job may take hours, but is rarely unfinished for a day: then nobody is waiting any more.
_LONGEST = timedelta(minutes=10)
_LONGEST_LATER = timedelta(hours=6)
_DAY = 150  # times, at that pace
# Twilio promises no time for what it stores in a conversation. With pauses that double up to six
# hours, this many times take a day.
MOST_TIMES = 14
# Of a job that Twilio has just made it may not know at once; after so many times in a row, which
# take some fifty minutes, it never will.
MOST_TIMES_UNKNOWN = 10
# In seconds, where Twilio asks for patience (429) and doesn't say how much.
_PATIENCE = 30.0


def next_delay(need: PollReason, attempts: int, retry_after: float | None = None) -> timedelta:
    """Return how long to wait after so many times in vain: Twilio's Retry-After at least.

    A little is added at random, so that what was asked at once isn't asked at once for ever.
    """
    longest = _LONGEST if need == PollReason.STATUS and attempts < _DAY else _LONGEST_LATER
    doubled: timedelta = min(MIN_POLL_DELAY * 2 ** min(attempts, 20), longest)
    least = max(doubled, timedelta(seconds=retry_after or 0))
    spread: float = random.uniform(1, 1.2)  # noqa: S311 - spreads the load, no secret

    return least * spread


def throttle_seconds(busy: TwilioBusyError) -> float:
    """Return for how many seconds to leave Twilio alone after a 429."""
    return _PATIENCE if busy.retry_after is None else busy.retry_after


def is_exhausted(need: PollReason, attempts: int) -> bool:
    """Tell whether it was asked for often enough. An unfinished job ends some time."""
    return need != PollReason.STATUS and attempts >= MOST_TIMES
