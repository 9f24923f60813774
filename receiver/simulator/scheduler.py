"""Runs actions at their time: one thread waits for the next one, a thread pool runs them."""

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

# The machine may sleep, and the wait would be too long then.
_MAX_WAIT_SECONDS = 60.0


class Scheduler:
    """Runs each scheduled action on one of `worker_count` threads. It must be closed."""

    def __init__(self, clock: Clock, *, worker_count: int) -> None:
        self._clock = clock
        self._queue: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()  # actions with the same time run in their order
        self._running_count = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(worker_count, thread_name_prefix="simulator")
        self._thread = threading.Thread(target=self._run, name="simulator-scheduler", daemon=True)
        self._thread.start()

    def schedule(self, due_at: datetime, action: Action) -> None:
        """Run the action at this time."""
        with self._changed:
            heapq.heappush(self._queue, (due_at, next(self._numbers), action))
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Advance a manual clock step by step, and wait until all due actions are done."""
        end = self._clock.now() + timedelta(seconds=seconds)
        self._wait_until_idle()
        while (due_at := self._next_due_at()) is not None and due_at <= end:
            self._advance_to(due_at)
        self._advance_to(end)

    def finish(self) -> None:
        """Wait until no action is left; advances a manual clock."""
        if self._clock.is_automatic:
            with self._changed:
                self._changed.wait_for(lambda: not (self._running_count or self._queue))
            return
        self._wait_until_idle()
        while (due_at := self._next_due_at()) is not None:
            self._advance_to(due_at)

    def close(self) -> None:
        """Wait for the running actions, and cancel all others."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def _advance_to(self, moment: datetime) -> None:
        with self._changed:
            self._clock.advance_to(moment)
            self._changed.notify_all()
        self._wait_until_idle()

    def _wait_until_idle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not (self._running_count or self._is_due()))

    def _next_due_at(self) -> datetime | None:
        with self._changed:
            return self._queue[0][0] if self._queue else None

    def _is_due(self) -> bool:
        return bool(self._queue) and self._queue[0][0] <= self._clock.now()

    def _run(self) -> None:
        with self._changed:
            while not self._is_closed:
                if not self._is_due():
                    self._changed.wait(self._wait_seconds())
                    continue
                _, _, action = heapq.heappop(self._queue)
                self._running_count += 1
                self._pool.submit(self._run_action, action)

    def _wait_seconds(self) -> float | None:
        """Return how long to wait at most; None: until something changes."""
        if not (self._queue and self._clock.is_automatic):
            return None

        return min((self._queue[0][0] - self._clock.now()).total_seconds(), _MAX_WAIT_SECONDS)

    def _run_action(self, action: Action) -> None:
        try:
            action()
        except Exception:
            logger.exception("the simulator failed")
        finally:
            with self._changed:
                self._running_count -= 1
                self._changed.notify_all()
