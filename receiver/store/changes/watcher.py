"""Waits for changes on behalf of all clients of a worker, with one look a second."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError, locate
from receiver.runtime.timeouts import time_limit
from receiver.store import retry
from receiver.store.changes.look import Look
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# A waiting client needs some 30 kilobytes, and no connection.
MAX_WAITING = 500

# After so long without an answer of the database, clients that wait are answered 503.
LOOK_TIMEOUT_SECONDS = 3.0


class TooManyWaitingError(ReceiverError):
    """So many clients wait in this worker that no other can."""


class Looks:
    """The looks that concern one client: those of its account, or all if it is None."""

    def __init__(self, watcher: "Watcher", account_id: str | None) -> None:
        self._watcher = watcher
        self._account_id = account_id
        self._arrived_at = time.monotonic()
        self._takes_any = False
        self._called = threading.Event()

    def first(self, seconds: float) -> Look:
        """Return the last look for other clients, or else the next one.

        Raises DatabaseUnavailableError if there is none within these seconds.
        """
        return self._watcher.last or self._any(seconds)

    def fresh(self, seconds: float) -> Look:
        """Return a look that began after the client arrived; raises what `first` raises."""
        deadline = Deadline(seconds)
        look = self.first(seconds)
        while look.began_at < self._arrived_at:
            look = self._any(deadline.remaining())

        return look

    def _any(self, seconds: float) -> Look:
        self._takes_any = True
        look = self.next(seconds)
        self._takes_any = False
        if look is None:
            raise DatabaseUnavailableError("no look for changes in time")

        return look

    def next(self, seconds: float) -> Look | None:
        """Wait for a look with changes for the client; return None if there is none in time.

        Raises DatabaseUnavailableError if a look failed.
        """
        if not self._called.wait(seconds):
            return None
        self._called.clear()
        look = self._watcher.last
        if look is None:
            raise DatabaseUnavailableError("no look for changes succeeded")

        return look

    def call(self, look: Look | None) -> None:
        """End the wait if the look concerns the client, or has failed."""
        if look is None or self._takes_any or look.concerns(self._account_id):
            self._called.set()


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
        self._waiting: dict[Looks, None] = {}  # longest first
        self._is_running = False
        self.last: Look | None = None  # None if it failed, or nobody has waited for it

    @contextmanager
    def follow(self, account_id: str | None) -> Iterator[Looks]:
        """Let a client follow the looks until the block ends; raises TooManyWaitingError."""
        looks = Looks(self, account_id)
        with self._lock:
            if len(self._waiting) >= self._max_waiting:
                raise TooManyWaitingError
            self._waiting[looks] = None
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="changes", daemon=True).start()
        try:
            yield looks
        finally:
            with self._lock:
                del self._waiting[looks]

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            look = self._look()
            with self._lock:
                self.last = look
                for looks in self._waiting:
                    looks.call(look)
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
