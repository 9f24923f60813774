"""Unread bodies: what is left of a request's body after the response is read within limits.

gunicorn would read it without a limit, and without switching to other requests, before it parses
the connection's next request. A few clients that send endless bodies could stop a worker.
"""

from contextlib import suppress
from typing import Any

import gevent

from receiver.runtime.timeouts import time_limit

# A client that is still sending gets the response only if the connection isn't reset at once.
MAX_BYTES = 16 * 1024
TIMEOUT_SECONDS = 1.0
# Read without a switch to other requests. In chunks of one byte this takes a few milliseconds.
_SLICE_BYTES = 256


def finish(body: Any) -> None:
    """Read what is left of gunicorn's body; if that is too much, let the connection be closed."""
    if getattr(body.reader, "length", None) == 0:
        return  # a body of known length that was read, or no body
    # A missed time limit, a reset connection or a malformed chunk: the connection is closed.
    with suppress(Exception), time_limit(TIMEOUT_SECONDS):
        for _ in range(MAX_BYTES // _SLICE_BYTES):
            if not body.read(_SLICE_BYTES):
                return
            gevent.sleep(0)
    # gunicorn closes the connection of a body that failed.
    body.failed = True
