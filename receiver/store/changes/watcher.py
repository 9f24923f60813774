"""Waits for changes on behalf of all clients of a worker, with one look a second."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError, locate
from receiver.runtime.timeouts import time_limit
from receiver.store import retry
from receiver.store.changes.follower import Follower
from receiver.store.changes.look import Look

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# A waiting client needs some 30 kilobytes, and no connection.
MAX_WAITING = 500

# After this long without an answer of the database, clients that wait are answered 503.
LOOK_TIMEOUT_SECONDS = 3.0


class TooManyWaitingError(ReceiverError):
    """So many clients wait in this worker that no other can."""


class Watcher:
    """Looks for changes while clients wait, and calls those that they concern."""

    def __init__(
        self,
        engine: Engine,
        connections: ConcurrencyLimit,
        *,
        max_waiting: int = MAX_WAITING,
        look_seconds: float = LOOK_SECONDS,
        look_timeout_seconds: float = LOOK_TIMEOUT_SECONDS,
    ) -> None:
        """Use one of the connections that readers may use, so that callbacks have the others."""
        self._engine = engine
        self._connections = connections
        self._max_waiting = max_waiting
        self._look_seconds = look_seconds
        self._look_timeout_seconds = look_timeout_seconds
        self._lock = threading.Lock()  # never held across a switch to another request
        self._waiting: dict[Follower, None] = {}  # longest first
        self._is_running = False
        self.last: Look | None = None  # None if it failed, or nobody has waited for it

    @contextmanager
    def follow(self, account_id: str | None) -> Iterator[Follower]:
        """Let a client follow the looks until the block ends; raises TooManyWaitingError."""
        follower = Follower(account_id, lambda: self.last)
        with self._lock:
            if len(self._waiting) >= self._max_waiting:
                raise TooManyWaitingError
            self._waiting[follower] = None
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="changes", daemon=True).start()
        try:
            yield follower
        finally:
            with self._lock:
                del self._waiting[follower]

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            look = self._look()
            with self._lock:
                self.last = look
                for follower in self._waiting:
                    follower.call(look)
            pause.wait(self._look_seconds)
            with self._lock:
                if not self._waiting:
                    self._is_running, self.last = False, None
                    return

    def _look(self) -> Look | None:
        """Return what changed since the last look, None if the database fails for some seconds."""
        deadline = Deadline(self._look_timeout_seconds)
        try:
            with self._connections.hold(deadline.remaining()), time_limit(deadline.remaining()):
                return retry.query(self._engine, deadline, Look.take, self.last)
        except TooBusyError:  # readers use all connections, so clients wait for the next look
            return self.last
        except Exception as error:  # noqa: BLE001 - the clients that wait get an error
            logger.warning("no look for changes: %s", locate(error))
            return None
