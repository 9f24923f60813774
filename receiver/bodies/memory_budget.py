"""Memory budgets: how many bytes of bodies one worker holds at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError

# Anybody can send many bodies without a proof, or repeat a signed one. Twilio sends a callback at
# most four times.
MAX_WAITING_PER_HOLDER = 16


class MemoryBudgetError(ReceiverError):
    """Other requests' bodies used the whole budget until the deadline, or too many wait already."""


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """What one body needs. The event is set when it was given."""

    size_bytes: int
    holder: str
    given: threading.Event = field(default_factory=threading.Event)


class MemoryBudget:
    """Memory that all bodies share; a single body may use at most `max_body_bytes` of it."""

    def __init__(self, total_bytes: int, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self._free_bytes = self._total_bytes = max(total_bytes, max_body_bytes)
        self._holders: set[str] = set()
        self._waiting: dict[_Request, None] = {}  # in the order of their arrival
        # Never held across a switch to another request, so it never blocks in a gevent worker.
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """How many bytes are reserved."""
        return self._total_bytes - self._free_bytes

    @contextmanager
    def reserve(self, size_bytes: int, deadline: Deadline, holder: str = "") -> Iterator[None]:
        """Wait until the bytes are free and hold them; raises MemoryBudgetError.

        Only one reservation at a time may have the same holder, unless the holder is empty. A few
        requests of one holder may wait; those with an empty holder count as one holder's.
        """
        request = _Request(size_bytes, holder)
        self._acquire(request, deadline)
        try:
            yield
        finally:
            self._release(request)

    def _acquire(self, request: _Request, deadline: Deadline) -> None:
        with self._lock:
            if self._take(request):
                return
            if not (deadline.remaining() and self._may_wait(request.holder)):
                raise MemoryBudgetError
            self._waiting[request] = None
        try:
            request.given.wait(deadline.remaining())
        except BaseException:  # the request's deadline
            if not self._leave(request):
                self._release(request)
            raise
        if self._leave(request):
            raise MemoryBudgetError

    def _take(self, request: _Request) -> bool:
        if request.size_bytes > self._free_bytes or request.holder in self._holders:
            return False
        self._free_bytes -= request.size_bytes
        if request.holder:
            self._holders.add(request.holder)

        return True

    def _may_wait(self, holder: str) -> bool:
        count = sum(waiting.holder == holder for waiting in self._waiting)

        return count < MAX_WAITING_PER_HOLDER

    def _release(self, request: _Request) -> None:
        """Return the bytes, and give them to those that wait.

        Only these wake up. If all did, each release would cost as much work as there are requests.
        """
        with self._lock:
            self._free_bytes += request.size_bytes
            self._holders.discard(request.holder)
            for waiting in [*self._waiting]:
                if self._take(waiting):
                    del self._waiting[waiting]
                    waiting.given.set()

    def _leave(self, request: _Request) -> bool:
        """Leave the queue; return False if the bytes were given already."""
        with self._lock:
            if request not in self._waiting:
                return False
            del self._waiting[request]

        return True
