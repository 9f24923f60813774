"""One monotonic deadline for each request, over everything that it waits for."""

import time
from typing import Any

# In seconds. Twilio gives up after 15 in all by default, of which the way there and back takes
# some; what is left over lets us answer 503 ourselves, which it tries again.
REQUEST_SECONDS = 8.0
KEY = "receiver.runtime.deadline"  # in the WSGI environ


class Deadline:
    """A point in monotonic time, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Return the seconds left, 0 once it has passed."""
        return max(0.0, self._seconds - self.elapsed())


def of(environ: dict[str, Any]) -> Deadline:
    """Return the deadline of the request."""
    deadline: Deadline = environ[KEY]

    return deadline
