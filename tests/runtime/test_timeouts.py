"""Tests of time limits, and of work in gevent's thread pool."""

import gevent
import pytest

from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit


def test_wait_ends_at_the_time_limit() -> None:
    """A wait that gevent can interrupt ends at the time limit."""
    with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.01 s"), time_limit(0.01):
        gevent.sleep(60)


def test_outer_limit_is_reported_as_itself() -> None:
    """An outer time limit is reported with its own seconds, not with those of an inner one."""
    with pytest.raises(DeadlineExceededError, match=r"0\.01 s"), time_limit(0.01), time_limit(60):
        gevent.sleep(60)


def test_work_in_a_thread_returns_or_raises(capfd: pytest.CaptureFixture[str]) -> None:
    """Work in a thread returns its result or raises its error, and prints nothing."""
    assert run_in_thread(max, 1, 2) == 2
    with pytest.raises(FileNotFoundError):
        run_in_thread(open, "/nowhere/at/all")
    assert capfd.readouterr() == ("", "")
