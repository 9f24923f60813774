"""Time limits for anything that blocks, enforced by gevent's event loop (the hub).

They don't rely on the timeouts of the driver, the pool, the resolver or the server: these may not
work. For example, the kernel of a frozen Postgres still acknowledges packets. Outside a gevent
worker nothing is interrupted.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import gevent
from gevent.threadpool import ThreadPool

from receiver.runtime.deadline import KEY, REQUEST_SECONDS, Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.runtime.line_limiter import LineLimiter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

MAX_DISK_THREADS = 10

# In the WSGI environ: log fields of the request, for the line that reports a missed deadline.
LOG_FIELDS = "receiver.log_fields"


class DeadlineExceededError(SafeMessageError):
    """The block was interrupted while it waited, because its time was over."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the block after at most this many seconds, with DeadlineExceededError."""
    timeout = gevent.Timeout.start_new(seconds)
    try:
        yield
    except gevent.Timeout as raised:
        if raised is not timeout:
            raise
        raise DeadlineExceededError(f"no answer within {seconds:.3g} s") from None
    finally:
        timeout.close()
        # Its traceback refers to this frame, which refers back to it. Connections that were being
        # made are among its frames: they would stay open until the cycle is collected.
        timeout.__traceback__ = None


def run_in_thread(
    work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Return the result of `work`, run in a thread: a slow disk must not block all requests."""
    errors: list[Exception] = []

    def catch() -> list[Result]:
        # gevent would print an exception that leaves the thread, with its traceback and values.
        try:
            return [work(*args, **kwargs)]
        except Exception as error:  # noqa: BLE001 - it is raised below
            errors.append(error)
            return []

    for result in _threads(gevent.get_hub()).apply(catch):
        return result

    raise errors.pop()


@lru_cache(maxsize=1)
def _threads(hub: gevent.hub.Hub) -> ThreadPool:
    """Return a pool for the disk, separate from the hub's own.

    A disk that hangs blocks its threads forever. The hub's own pool must stay free: it resolves
    host names, for every new connection.
    """
    return ThreadPool(MAX_DISK_THREADS, hub=hub)


class DeadlineMiddleware:
    """WSGI middleware: end each request at its deadline, and answer it with `late`, a 503."""

    def __init__(
        self,
        wsgi_app: "WSGIApplication",
        *,
        late: "WSGIApplication",
        seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.wsgi_app = wsgi_app
        self.late = late
        self.seconds = seconds
        self._unproved_lines = LineLimiter()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, or with `late` after the deadline."""
        environ[KEY] = Deadline(self.seconds)
        try:
            with time_limit(self.seconds):
                return self.wsgi_app(environ, start_response)
        except DeadlineExceededError:
            request = {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "answered": 503,
                "seconds": round(environ[KEY].elapsed(), 3),
            }
            fields = environ.get(LOG_FIELDS)  # None if the client isn't authenticated
            message = "request ended at its deadline"
            if fields is None:
                self._unproved_lines.log(logger, logging.ERROR, message, extra=request)
            else:
                logger.error(message, extra=request | fields)  # noqa: TRY400 - see its fields
            return self.late(environ, start_response)
