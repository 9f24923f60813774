"""The circuit breaker: with a durable spool nobody need wait for a database that is away."""

import time

# In seconds. How long one failure speaks for the database. Short enough that an idle service, of
# which the drain has nothing to try the database with, is soon back to normal.
PAUSE_SECONDS = 10.0


class Breaker:
    """Open after a failure, for this process; closed by a success."""

    def __init__(self) -> None:
        self._try_at: float | None = None  # monotonic; None while it is closed

    def is_open(self) -> bool:
        """Tell whether to pass the database over.

        Once the pause is over it says no to one caller, who is to try, and begins a new pause.
        """
        now = time.monotonic()
        if self._try_at is None:
            return False
        if now < self._try_at:
            return True
        self._try_at = now + PAUSE_SECONDS

        return False

    def trip(self) -> None:
        """Open it: the database failed."""
        self._try_at = time.monotonic() + PAUSE_SECONDS

    def reset(self) -> None:
        """Close it: the database recorded something."""
        self._try_at = None
