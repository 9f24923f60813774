"""The listener: accepts the connections of clients."""

import errno
import logging
import os
from typing import Any

import gevent
from gevent.server import StreamServer

from receiver.gunicorn.connection import Connection

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Listener(StreamServer):
    """Accepts connections, and pauses when there is no file descriptor or memory for one."""

    # One for each round of the event loop: the workers then share a burst evenly.
    max_accept = 1

    def do_read(self) -> tuple[Connection, Any] | None:  # type: ignore[override]  # stub lacks None
        """Return an accepted connection and its address; None if there is none."""
        try:
            accepted = super().do_read()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._pause(error)
            return None
        if not accepted:
            return None
        client, address = accepted

        return Connection(client.family, client.type, client.proto, client.detach()), address

    def _pause(self, error: OSError) -> None:
        # gevent would print a traceback at each attempt, which isn't JSON.
        logger.warning(
            "new connections have to wait", extra={"reason": os.strerror(error.errno or 0)}
        )
        self.stop_accepting()
        gevent.spawn_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self.started:
            self.start_accepting()
