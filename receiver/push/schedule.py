"""When a failed message is sent again.

Standard Webhooks recommends delays of up to a day, for each message by itself. Here one message
delays all later ones to its endpoint. So the delays are shorter: an endpoint that restarts waits
for seconds, and one that was down for long for half an hour at most. An attempt costs little.
"""

import random

# Between two attempts. The last one repeats, because nothing is given up.
DELAYS_SECONDS = (5, 15, 30, 60, 2 * 60, 5 * 60, 10 * 60, 30 * 60)
_MAX_JITTER = 1.1


def retry_seconds(failures: int, retry_after_seconds: float | None = None) -> float:
    """Return the delay after this many failures in a row, but not less than Retry-After.

    A random share is added, so that endpoints that failed at the same moment spread out.
    """
    scheduled = DELAYS_SECONDS[min(failures, len(DELAYS_SECONDS)) - 1]
    min_seconds = max(scheduled, retry_after_seconds or 0)

    return min_seconds * random.uniform(1, _MAX_JITTER)  # noqa: S311 - spreads the load, no secret
