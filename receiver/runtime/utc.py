"""Formats times."""

from datetime import UTC, datetime


def format_utc(moment: datetime) -> str:
    """Return the time in UTC to the second, as the API and the commands write it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
