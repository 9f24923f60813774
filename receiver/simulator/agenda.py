"""The agenda: what is to be done when. One thread looks at the time, a few others do the work."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from receiver.simulator.clock import Clock

logger = logging.getLogger(__name__)

Action = Callable[[], None]

_LOOK_AGAIN = 60.0  # seconds, should the machine have slept


class Agenda:
    """Does each action at its time, on one of `workers` threads. Close it in the end."""

    def __init__(self, clock: Clock, *, workers: int) -> None:
        self._clock = clock
        self._items: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()  # of two actions due at once, the first comes first
        self._at_work = 0
        self._closed = False
        self._changed = threading.Condition()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="simulator")
        self._thread = threading.Thread(target=self._run, name="simulator-agenda", daemon=True)
        self._thread.start()

    def at(self, due: datetime, action: Action) -> None:
        """Put the action on the agenda."""
        with self._changed:
            heapq.heappush(self._items, (due, next(self._numbers), action))
            self._changed.notify_all()

    def move_on(self, seconds: float) -> None:
        """Move a still clock on, and wait until all that became due is done, in its order."""
        end = self._clock.now() + timedelta(seconds=seconds)
        self._settle()
        while (due := self._next()) is not None and due <= end:
            self._move_to(due)
        self._move_to(end)

    def finish(self) -> None:
        """Wait until nothing is left to do; a still clock is moved on for that."""
        if self._clock.ticks:
            with self._changed:
                self._changed.wait_for(lambda: not (self._at_work or self._items))
            return
        self._settle()
        while (due := self._next()) is not None:
            self._move_to(due)

    def close(self) -> None:
        """Leave undone what isn't begun, and wait for the rest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._workers.shutdown(cancel_futures=True)

    def _move_to(self, moment: datetime) -> None:
        with self._changed:
            self._clock.move_to(moment)
            self._changed.notify_all()
        self._settle()

    def _settle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not (self._at_work or self._is_due()))

    def _next(self) -> datetime | None:
        with self._changed:
            return self._items[0][0] if self._items else None

    def _is_due(self) -> bool:
        return bool(self._items) and self._items[0][0] <= self._clock.now()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._is_due():
                    self._changed.wait(self._patience())
                    continue
                _, _, action = heapq.heappop(self._items)
                self._at_work += 1
                self._workers.submit(self._do, action)

    def _patience(self) -> float | None:
        if not (self._items and self._clock.ticks):
            return None

        return min((self._items[0][0] - self._clock.now()).total_seconds(), _LOOK_AGAIN)

    def _do(self, action: Action) -> None:
        try:
            action()
        except Exception:
            logger.exception("the simulator failed")
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()
