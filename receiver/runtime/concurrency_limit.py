"""Limits how many requests do something at the same time; the others wait in a queue."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from receiver.runtime.errors import ReceiverError

# A waiting request needs some ten kilobytes.
MAX_WAITING = 1000


class TooBusyError(ReceiverError):
    """The limit was reached, and no place became free in time."""


class ConcurrencyLimit:
    """A number of places, which are given in the order of the requests."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        # Never held across a switch to another request, so it never blocks in a gevent worker.
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, wait_seconds: float) -> Iterator[None]:
        """Hold a place until the block ends; raises TooBusyError after `wait_seconds`."""
        self.acquire(wait_seconds)
        try:
            yield
        finally:
            self.release()

    def acquire(self, wait_seconds: float) -> None:
        """Take a place; raises TooBusyError after `wait_seconds`, or if too many wait already."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= MAX_WAITING:
                raise TooBusyError
            called = threading.Event()
            self._waiting.append(called)
        try:
            called.wait(wait_seconds)
        except BaseException:  # the request's deadline
            if not self._leave(called):
                self.release()
            raise
        if self._leave(called):
            raise TooBusyError

    def release(self) -> None:
        """Give the place to the request that waits longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _leave(self, called: threading.Event) -> bool:
        """Leave the queue; return False if the place was given already."""
        with self._lock:
            if called not in self._waiting:
                return False
            self._waiting.remove(called)

        return True
