"""Tests of the Retry-After header."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from receiver.runtime.retry_after import parse_retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("9" * 400, 3600.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
    ],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    """Seconds are accepted up to the maximum, a past date is zero, and anything else is None."""
    assert parse_retry_after({"Retry-After": text}, max_seconds=3600.0) == seconds
    assert parse_retry_after({}, max_seconds=3600.0) is None


def test_retry_after_as_a_date() -> None:
    """A date (RFC 9110, 10.2.3) gives the time until then, up to the maximum."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < (parse_retry_after({"Retry-After": date}, max_seconds=3600.0) or 0) <= 100
    assert parse_retry_after({"Retry-After": date}, max_seconds=60.0) == 60


def test_retry_after_is_relative_to_the_date_of_the_response() -> None:
    """If the response has a Date, a wrong clock of our own doesn't matter."""
    sent_at = datetime.now(UTC) - timedelta(days=365)
    date, retry_at = (
        format_datetime(moment, usegmt=True) for moment in (sent_at, sent_at + timedelta(minutes=1))
    )
    headers = {"Retry-After": retry_at, "Date": date}
    assert parse_retry_after(headers, max_seconds=3600.0) == 60
