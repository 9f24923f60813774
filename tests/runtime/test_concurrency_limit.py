"""Tests of the limit of what is done at the same time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from tests.support.paths import ROOT

_RELEASES = """
from gevent import monkey
monkey.patch_all()
import time
import gevent
from receiver.runtime.concurrency_limit import ConcurrencyLimit
limit = ConcurrencyLimit(1)
for _ in range(50):
    limit.acquire(1)
    with gevent.Timeout(0.0001, False):
        over = time.monotonic() + 0.02
        while time.monotonic() < over:
            pass
        limit.release()
        continue
    raise SystemExit("interrupted")
"""


def test_place_is_free_again_after_the_block() -> None:
    """A place that was held is free again, also after an error."""
    limit = ConcurrencyLimit(1)
    with pytest.raises(LookupError), limit.hold(0):
        raise LookupError
    with limit.hold(0):
        pass


def test_no_place_in_time_is_an_error() -> None:
    """If there is no place in time, that is an error, and the queue is as before."""
    limit = ConcurrencyLimit(1)
    with limit.hold(0), pytest.raises(TooBusyError), limit.hold(0.01):
        pass
    with limit.hold(0):
        pass


def test_released_place_is_given_to_one_that_waits() -> None:
    """Those that wait get the places that become free, and no more hold one than there are."""
    limit = ConcurrencyLimit(2)
    holders: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        with limit.hold(30):
            holders.append(number)
            most.append(len(holders))
            holders.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(200)))
    assert len(most) == 200
    assert max(most) <= 2


def test_release_is_not_interrupted_under_gevent() -> None:
    """A deadline that is over while a place is released can't interrupt that: none is lost."""
    done = subprocess.run(
        [sys.executable, "-c", _RELEASES], cwd=ROOT, timeout=60, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
