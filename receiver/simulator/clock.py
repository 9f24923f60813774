"""The simulator's time, and date-times as text."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Clock:
    """Real time. A subclass may have a manual one, for tests."""

    is_automatic = True

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def advance_to(self, moment: datetime) -> None:
        """Advance a manual time; real time advances by itself."""


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
