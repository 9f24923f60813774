"""A manual clock for the simulator."""

import threading
from datetime import UTC, datetime

from receiver.simulator.clock import Clock


class ManualClock(Clock):
    """A clock that starts at `start` and changes only through `advance_to`."""

    is_automatic = False

    def __init__(self, start: datetime = datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self._now

    def advance_to(self, moment: datetime) -> None:
        """Set the time to `moment`, unless it is later already."""
        with self._lock:
            self._now = max(self._now, moment)
