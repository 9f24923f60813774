"""The simulator's time: the wall's, or one that stands still until a test moves it on."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """The wall's time."""

    ticks = True

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    def move_to(self, moment: datetime) -> None:
        """Do nothing: this time passes by itself."""


class StillClock(Clock):
    """A time that begins at `start` and only ever moves when it is told to."""

    ticks = False

    def __init__(self, start: datetime = datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Let the time be `moment`, unless that has passed."""
        with self._lock:
            self._now = max(self._now, moment)


def after(moment: datetime, seconds: float) -> datetime:
    """Return the moment that many seconds later."""
    return moment + timedelta(seconds=seconds)


def stamp(moment: datetime) -> str:
    """Return a moment in Twilio's form, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
