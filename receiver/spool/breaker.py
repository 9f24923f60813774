"""A circuit breaker for the database: with a durable spool, no request needs to wait for it."""

import time
from collections.abc import Callable

# How long one failure keeps the breaker open. It must be short: while nothing arrives, the drain
# has no file with which to try the database, and the next callbacks should go to the database.
OPEN_SECONDS = 10.0


class CircuitBreaker:
    """Open after a failure, closed after a success; each process has its own."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._retry_at: float | None = None  # by the clock; None while it is closed

    def is_open(self) -> bool:
        """Return whether to skip the database.

        After OPEN_SECONDS it returns False to one caller, who tries the database, and stays open
        for all other callers.
        """
        now = self._clock()
        if self._retry_at is None:
            return False
        if now < self._retry_at:
            return True
        self._retry_at = now + OPEN_SECONDS

        return False

    def trip(self) -> None:
        """Open it: the database failed."""
        self._retry_at = self._clock() + OPEN_SECONDS

    def reset(self) -> None:
        """Close it: the database recorded something."""
        self._retry_at = None
