"""Bounding what a request waits for, whatever it is: by gevent's hub, which asks nobody.

No cooperation of the driver, the pool, the resolver or the peer is needed, and none of them can be
relied on: a frozen Postgres keeps its socket alive. Outside gevent's worker nothing is interrupted.
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

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# How many may wait for the disk at a time.
THREADS = 10

# In the WSGI environ: what the log is to tell of the request, should it not be done in time.
ABOUT = "receiver.about"


class DeadlineExceededError(SafeMessageError):
    """The block was ended where it waited: its seconds are over."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the block after so many seconds at the latest, with DeadlineExceededError."""
    timeout = gevent.Timeout.start_new(seconds)
    try:
        yield
    except gevent.Timeout as raised:
        if raised is not timeout:
            raise
        raise DeadlineExceededError(f"no answer within {seconds:.3g} s") from None
    finally:
        timeout.close()
        # Its traceback leads to our frame, which leads back to it; and on the way are the
        # connections that were being made, which would stay open until that ring is collected.
        timeout.__traceback__ = None


def run_in_thread(
    work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Return what `work` returns, done in a thread: a slow disk must not stop every request."""
    errors: list[Exception] = []

    def caught() -> list[Result]:
        # What leaves the thread as an exception gevent prints, traceback, values and all.
        try:
            return [work(*args, **kwargs)]
        except Exception as error:  # noqa: BLE001 - it is raised below
            errors.append(error)
            return []

    for result in _threads(gevent.get_hub()).apply(caught):
        return result

    raise errors.pop()


@lru_cache(maxsize=1)
def _threads(hub: gevent.hub.Hub) -> ThreadPool:
    """Return a pool that isn't the hub's own: a disk that hangs keeps its threads for good.

    The hub's resolves names, without which no connection could be made again.
    """
    return ThreadPool(THREADS, hub=hub)


class DeadlineMiddleware:
    """WSGI middleware: end a request at its deadline, and answer it with `late`."""

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

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, or with `late` once the deadline has passed."""
        environ[KEY] = Deadline(self.seconds)
        try:
            with time_limit(self.seconds):
                return self.wsgi_app(environ, start_response)
        except DeadlineExceededError:
            where = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"]}
            logger.error(  # noqa: TRY400 - where it waited says little, and what for is told
                "request ended at its deadline", extra=where | environ.get(ABOUT, {})
            )
            return self.late(environ, start_response)
