"""One deadline for each request, for everything that the request waits for."""

import time
from typing import Any

# Twilio waits 15 seconds for a response by default, including the transfer. What is left after 8
# seconds is enough to answer 503 ourselves, which Twilio retries.
REQUEST_SECONDS = 8.0

KEY = "receiver.deadline"  # of the deadline in the WSGI environ


class Deadline:
    """A point in monotonic time, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Return the seconds that are left, 0 after the deadline."""
        return max(0.0, self._seconds - self.elapsed())


def request_deadline(environ: dict[str, Any]) -> Deadline:
    """Return the deadline of the request."""
    deadline: Deadline = environ[KEY]

    return deadline
