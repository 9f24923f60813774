"""A client that follows the looks of the watcher: it waits for one that concerns it."""

import threading
import time
from collections.abc import Callable

from receiver.runtime.deadline import Deadline
from receiver.store.changes.look import Look
from receiver.store.retry import DatabaseUnavailableError


class Follower:
    """A client that waits for changes of an account, or of all if it is None."""

    def __init__(self, account_id: str | None, last: Callable[[], Look | None]) -> None:
        """`last` returns the last look, None if there is none or it failed."""
        self._last = last
        self._account_id = account_id
        self._arrived_at = time.monotonic()
        self._takes_any = False
        self._called = threading.Event()

    def first(self, seconds: float) -> Look:
        """Return the last look for other clients, or else the next one.

        Raises DatabaseUnavailableError if there is none within these seconds.
        """
        return self._last() or self._any(seconds)

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
        look = self._last()
        if look is None:
            raise DatabaseUnavailableError("no look for changes succeeded")

        return look

    def call(self, look: Look | None) -> None:
        """End the wait if the look concerns the client, or has failed."""
        if look is None or self._takes_any or look.concerns(self._account_id):
            self._called.set()
