"""The progress of a measurement, and its time limit."""

import signal

import pytest

from bench.progress import TooSlowError, count_rounds, time_limit


def test_slow_measurement_ends() -> None:
    """A measurement over its time limit ends with an error that names the limit."""
    with pytest.raises(TooSlowError, match="more than 0 s"), time_limit(0.01):
        signal.pause()


def test_time_limit_ends_with_its_block() -> None:
    """No alarm is left after the block."""
    with time_limit(100):
        pass

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_rounds_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Each round is shown on the terminal when it begins, and isn't part of the report."""
    assert list(count_rounds(2)) == [0, 1]

    assert capsys.readouterr() == ("", " 1/2 2/2")
