"""Tests of the schedule of attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.push.schedule import retry_seconds

_DAY = 24 * 3600


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(1, 5), (2, 15), (3, 30), (4, 60), (5, 120), (6, 300), (7, 600), (8, 1800), (1000, 1800)],
)
def test_delays_rise_to_half_an_hour(failures: int, seconds: int) -> None:
    """The delays rise to half an hour, which repeats; each is up to a tenth longer."""
    assert seconds <= retry_seconds(failures) <= 1.1 * seconds


@given(st.integers(1, 20), st.floats(0, _DAY))
def test_retry_after_is_respected(failures: int, retry_after_seconds: float) -> None:
    """No attempt is made before the time that the endpoint asked for."""
    assert retry_seconds(failures, retry_after_seconds) >= retry_after_seconds
