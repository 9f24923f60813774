"""Tests of the limit of what is done at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError


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
