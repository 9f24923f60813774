"""Ends a command with `--forever` at SIGTERM or Ctrl-C, whatever it is waiting for."""

import logging
import os
import signal
import threading
from typing import NoReturn

logger = logging.getLogger(__name__)

# What is in progress may take this long: enough for a healthy database and Twilio. Heroku kills a
# process 30 s after SIGTERM.
GRACE_SECONDS = 5.0

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


class StopSignal:
    """Receives SIGTERM and SIGINT in a thread of its own.

    Python runs a signal handler only between two steps of the main thread, so not while that waits
    in C, for example for a name server.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End the process this many seconds after a signal, if it hasn't ended by itself."""
        self._grace_seconds = grace_seconds
        self._received = threading.Event()

    def install(self) -> None:
        """Receive the signals from now on; call this before another thread is started."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._watch, daemon=True).start()

    def is_received(self) -> bool:
        """Return whether the process is stopping."""
        return self._received.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, or until a signal is received."""
        self._received.wait(seconds)

    def _watch(self) -> NoReturn:
        signal.sigwait(_SIGNALS)
        self._received.set()
        # The main thread ends the process earlier, unless it is waiting. A crash at any point loses
        # nothing, and neither does this: leases end, and submissions are resumed.
        threading.Event().wait(self._grace_seconds)
        logger.warning("ended while waiting for a peer that doesn't respond")
        os._exit(0)
