"""When a failed message is sent again: the schedule that Standard Webhooks recommends."""

import random

# Between two attempts. The last one repeats, because nothing is given up.
DELAYS_SECONDS = (
    *(5, 5 * 60, 30 * 60),
    *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)),
)
_MAX_JITTER = 1.1


def retry_seconds(failures: int, retry_after_seconds: float | None = None) -> float:
    """Return the delay after this many failures in a row, but not less than Retry-After.

    A random share is added, so that endpoints that failed at the same moment spread out.
    """
    scheduled = DELAYS_SECONDS[min(failures, len(DELAYS_SECONDS)) - 1]
    min_seconds = max(scheduled, retry_after_seconds or 0)

    return min_seconds * random.uniform(1, _MAX_JITTER)  # noqa: S311 - spreads the load, no secret
