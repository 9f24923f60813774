"""That a measurement ends."""

import signal

import pytest

from bench.progress import TooSlowError, count_rounds, time_limit


def test_what_takes_too_long_ends() -> None:
    """A measurement that doesn't end by itself is ended, and it's told after how long."""
    with pytest.raises(TooSlowError, match="more than 0 s"), time_limit(0.01):
        signal.pause()


def test_what_ends_in_time_is_not_disturbed_later() -> None:
    """After the block no alarm is left."""
    with time_limit(100):
        pass

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_rounds_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Each round is shown on the terminal as it begins, and is no part of the report."""
    assert list(count_rounds(2)) == [0, 1]

    assert capsys.readouterr() == ("", " 1/2 2/2")
