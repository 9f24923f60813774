"""Tests of the schedule of attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.push.schedule import retry_seconds

_HOUR = 3600


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        (1, 5),
        (2, 300),
        (3, 1800),
        (4, 2 * _HOUR),
        (5, 5 * _HOUR),
        (6, 10 * _HOUR),
        (7, 14 * _HOUR),
        (8, 20 * _HOUR),
        (9, 24 * _HOUR),
        (1000, 24 * _HOUR),
    ],
)
def test_delays_are_those_of_the_specification(failures: int, seconds: int) -> None:
    """The delays rise to a day, which repeats; each is up to a tenth longer."""
    assert seconds <= retry_seconds(failures) <= 1.1 * seconds


@given(st.integers(1, 20), st.floats(0, 24 * _HOUR))
def test_retry_after_is_respected(failures: int, retry_after_seconds: float) -> None:
    """No attempt is made before the time that the endpoint asked for."""
    assert retry_seconds(failures, retry_after_seconds) >= retry_after_seconds
