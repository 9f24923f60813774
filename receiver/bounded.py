"""The request's deadline, enforced: WSGI middleware around the whole application."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import gevent

from receiver.deadline import KEY, REQUEST_SECONDS, Deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

# In the WSGI environ: what the log is to tell of the request, should it not be done in time.
ABOUT = "receiver.about"


class Bounded:
    """End a request at its deadline, whatever it waits for, and answer it with `late`.

    The hub ends the wait of the request's greenlet; no cooperation of the driver, the pool, the
    resolver or the peer is needed, and none of them can be relied on: a frozen Postgres keeps its
    socket alive. Outside gevent's worker nothing is interrupted.
    """

    def __init__(self, wsgi_app: "WSGIApplication", *, late: "WSGIApplication") -> None:
        self.wsgi_app = wsgi_app
        self.late = late

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with the application, or with `late` once the deadline has passed."""
        environ[KEY] = Deadline(REQUEST_SECONDS)
        timeout = gevent.Timeout.start_new(REQUEST_SECONDS)
        try:
            return self.wsgi_app(environ, start_response)
        except gevent.Timeout as raised:
            if raised is not timeout:
                raise
            where = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"]}
            logger.error(  # noqa: TRY400 - where it waited says little, and what for is told
                "request ended at its deadline", extra=where | environ.get(ABOUT, {})
            )
            return self.late(environ, start_response)
        finally:
            timeout.close()
            # Its traceback leads to our frame, which leads back to it; and on the way are the
            # connections that were being made, which would stay open until that ring is collected.
            timeout.__traceback__ = None
