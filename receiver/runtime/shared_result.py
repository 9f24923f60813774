"""Shares the result of slow work: one request does the work, and the others use its result."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

# The work takes at most this part of the time, unless it is mostly waiting.
MAX_SHARE = 0.1


class SharedResult(Generic[Result]):
    """The newest result of one kind of work.

    It is used for `max_age_seconds`, and long enough that the work takes at most `max_share` of the
    time. While the work is done again, the others use the result before, if it is at most
    `max_stale_seconds` old.
    """

    def __init__(
        self,
        *,
        max_age_seconds: float,
        max_stale_seconds: float = 0.0,
        max_share: float = MAX_SHARE,
    ) -> None:
        self._max_age_seconds = max_age_seconds
        self._max_stale_seconds = max_stale_seconds
        self._max_share = max_share
        self._lock = threading.Lock()
        self._results: list[Result] = []  # the newest one, or none yet
        self._made_at = 0.0  # monotonic
        self._fresh_until = 0.0

    def get(self, work: Callable[[], Result]) -> Result:
        """Return a result that is fresh enough, from `work` if there is none.

        What `work` raises reaches only the caller that does the work.
        """
        for result in self._usable(self._fresh_until):
            return result
        stale = self._usable(self._made_at + self._max_stale_seconds)
        if not self._lock.acquire(blocking=not stale):
            return stale[0]
        try:
            # Another caller may have just done the work.
            for result in self._usable(self._fresh_until):
                return result
            return self._make(work)
        finally:
            self._lock.release()

    def _usable(self, until: float) -> list[Result]:
        return self._results if time.monotonic() < until else []

    def _make(self, work: Callable[[], Result]) -> Result:
        began_at = time.monotonic()
        result = work()
        self._made_at = time.monotonic()
        rest_seconds = (
            (self._made_at - began_at) / self._max_share if self._max_age_seconds else 0.0
        )
        self._fresh_until = self._made_at + max(self._max_age_seconds, rest_seconds)
        self._results = [result]

        return result
