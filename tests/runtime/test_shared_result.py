"""Tests of results that requests share."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from receiver.runtime.shared_result import SharedResult


def _counter() -> Callable[[], int]:
    numbers = itertools.count()

    return lambda: next(numbers)


def test_fresh_result_is_used_again() -> None:
    """A result is used again until its time is over."""
    work = _counter()
    shared = SharedResult[int](max_age_seconds=60)
    assert [shared.get(work), shared.get(work)] == [0, 0]


def test_old_result_is_not_used() -> None:
    """A result whose time is over isn't used again."""
    work = _counter()
    shared = SharedResult[int](max_age_seconds=0)
    assert [shared.get(work), shared.get(work)] == [0, 1]


def test_concurrent_callers_share_the_work() -> None:
    """Callers that ask at the same time get the result of one of them."""
    work = _counter()
    shared = SharedResult[int](max_age_seconds=60)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: shared.get(work), range(100))) == {0}


def test_result_before_is_used_while_the_work_is_done_again() -> None:
    """While the work is done again, the others get the result before without waiting."""
    shared = SharedResult[str](max_age_seconds=0, max_stale_seconds=60)
    assert shared.get(lambda: "first") == "first"
    has_begun, may_end = threading.Event(), threading.Event()

    def work() -> str:
        has_begun.set()
        assert may_end.wait(30)

        return "second"

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(shared.get, work)
        assert has_begun.wait(30)
        assert shared.get(lambda: "third") == "first"
        may_end.set()
        assert second.result() == "second"


def test_failed_work_is_done_again() -> None:
    """An error reaches the caller that did the work, and the next one tries again."""
    shared = SharedResult[int](max_age_seconds=60)

    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        shared.get(fail)
    assert shared.get(_counter()) == 0
