"""Parses the Retry-After header of a response."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_retry_after(headers: Mapping[str, str], *, max_seconds: float) -> float | None:
    """Return the seconds of a Retry-After header, which is a number or a date.

    None: the header is missing or invalid. A longer time is reduced to `max_seconds`. A date is
    compared with the Date header, if there is one: the sender's clock may differ from our own.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), max_seconds)
    moment = _parse_date(text)
    if moment is None:
        return None
    sent_at = _parse_date(headers.get("Date", "")) or datetime.now(UTC)

    return min(max(0.0, (moment - sent_at).total_seconds()), max_seconds)


def _parse_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None

    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
