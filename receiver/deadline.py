"""One monotonic deadline for each request, over everything that it waits for."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gevent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# In seconds. Twilio gives up after 15 in all by default, of which the way there and back takes
# some; what is left over lets us answer 503 ourselves, which it tries again.
REQUEST_SECONDS = 8.0
KEY = "receiver.deadline"


class Deadline:
    """A point in monotonic time, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, 0 once it has passed."""
        return max(0.0, self._at - time.monotonic())


class Bounded:
    """WSGI middleware: end a request at its deadline, whatever it waits for.

    The hub ends the wait of the request's greenlet; no cooperation of the driver, the pool, the
    resolver or the peer is needed, and none of them can be relied on: a frozen Postgres keeps its
    socket alive. Outside gevent's worker nothing is interrupted.
    """

    def __init__(
        self,
        wsgi_app: "WSGIApplication",
        *,
        seconds: float = REQUEST_SECONDS,
        late: "WSGIApplication",
    ) -> None:
        self.wsgi_app = wsgi_app
        self.seconds = seconds
        self.late = late

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, or with `late` once the deadline has passed."""
        environ[KEY] = Deadline(self.seconds)
        timeout = gevent.Timeout.start_new(self.seconds)
        try:
            return self.wsgi_app(environ, start_response)
        except gevent.Timeout as raised:
            if raised is not timeout:
                raise
            return self.late(environ, start_response)
        finally:
            timeout.close()


def of(environ: dict[str, Any]) -> Deadline:
    """Return the deadline of the request."""
    deadline: Deadline = environ[KEY]

    return deadline
