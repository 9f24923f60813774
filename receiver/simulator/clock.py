"""The simulator's time: real time, or a manual clock for tests. Also: date-times as text."""

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Clock:
    """Real time."""

    is_automatic = True

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def advance_to(self, moment: datetime) -> None:
        """Do nothing: real time advances by itself."""


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


def add_seconds(moment: datetime, seconds: float) -> datetime:
    """Return the time this many seconds later."""
    return moment + timedelta(seconds=seconds)


def format_date_time(moment: datetime) -> str:
    """Return the time in Twilio's format, with whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def parse_date_time(text: Any) -> datetime | None:
    """Return the time of an RFC 3339 date-time, or None if it isn't one."""
    if not (isinstance(text, str) and _DATE_TIME.fullmatch(text)):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
