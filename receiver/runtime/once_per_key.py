"""Does work once for each key: the first caller does it, and the others use its result."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from receiver.runtime.errors import ReceiverError


class Sized(Protocol):
    """A result that says how much memory it takes."""

    @property
    def size_bytes(self) -> int:
        """The bytes of the result."""


Result = TypeVar("Result", bound=Sized)


class WorkFailedError(ReceiverError):
    """The caller that did the work failed, or took too long."""


class _Work(Generic[Result]):
    """Work in progress, or done: `result` is None if it failed."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.result: Result | None = None


class OncePerKey(Generic[Result]):
    """Results by key, kept as long as they have at most `max_bytes` in total.

    A result that isn't kept reaches those who wait for it already.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._free_bytes = max_bytes
        self._works: dict[Hashable, _Work[Result]] = {}
        self._lock = threading.Lock()  # never held across a switch to another request

    def get(self, key: Hashable, work: Callable[[], Result], wait_seconds: float) -> Result:
        """Return the result of the key, from `work` if nobody has begun it.

        What `work` raises reaches the caller that does the work; those who wait for it, at most
        `wait_seconds`, get WorkFailedError.
        """
        with self._lock:
            found = self._works.get(key)
            if found is None:
                mine = self._works[key] = _Work[Result]()
        if found is None:
            return self._do(key, mine, work)
        found.ended.wait(wait_seconds)
        if found.result is None:
            raise WorkFailedError

        return found.result

    def _do(self, key: Hashable, mine: _Work[Result], work: Callable[[], Result]) -> Result:
        is_kept = False
        try:
            mine.result = result = work()
            with self._lock:
                if is_kept := result.size_bytes <= self._free_bytes:
                    self._free_bytes -= result.size_bytes
        finally:
            if not is_kept:
                with self._lock:
                    del self._works[key]
            mine.ended.set()

        return result
