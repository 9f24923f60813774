"""Memory budgets: how many bytes of bodies one worker holds at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError


class MemoryBudgetError(ReceiverError):
    """Other requests' bodies used the whole budget until the deadline."""


class MemoryBudget:
    """A number of bytes that all bodies share; it is enough for one body of `max_body_bytes`."""

    def __init__(self, total_bytes: int, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self._free_bytes = max(total_bytes, max_body_bytes)
        self._holders: set[str] = set()
        # The condition's own lock, not a plain one: under gevent a condition on a plain lock
        # switches to other greenlets while it checks the lock's owner. A deadline that is raised
        # there would leave the bytes reserved for good.
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, size_bytes: int, deadline: Deadline, holder: str = "") -> Iterator[None]:
        """Wait until the bytes are free and hold them; raises MemoryBudgetError.

        Only one reservation at a time may have the same holder, unless the holder is empty.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._free_bytes >= size_bytes and holder not in self._holders,
                deadline.remaining(),
            ):
                raise MemoryBudgetError
            self._free_bytes -= size_bytes
            if holder:
                self._holders.add(holder)
        try:
            yield
        finally:
            with self._changed:
                self._free_bytes += size_bytes
                self._holders.discard(holder)
                self._changed.notify_all()
