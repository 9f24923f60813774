"""Bounded waits, and work beside the hub."""

import gevent
import pytest

from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit


def test_what_waits_too_long_is_ended() -> None:
    """Wherever it waits, as long as the hub knows of it."""
    with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.01 s"), time_limit(0.01):
        gevent.sleep(60)


def test_an_outer_limit_is_not_taken_for_an_inner_one() -> None:
    """What ends at the request's deadline doesn't look as if a part of it had taken too long."""
    with pytest.raises(DeadlineExceededError, match=r"0\.01 s"), time_limit(0.01), time_limit(60):
        gevent.sleep(60)


def test_work_beside_the_hub_returns_or_raises(capfd: pytest.CaptureFixture[str]) -> None:
    """Its error is the caller's alone: nobody prints what it may hold."""
    assert run_in_thread(max, 1, 2) == 2
    with pytest.raises(FileNotFoundError):
        run_in_thread(open, "/nowhere/at/all")
    assert capfd.readouterr() == ("", "")
