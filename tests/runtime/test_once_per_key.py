"""Tests of work that is done once for each key."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import pytest

from receiver.runtime.once_per_key import OncePerKey, WorkFailedError

MAX_BYTES = 100
WAIT_SECONDS = 10


@dataclass
class _Page:
    size_bytes: int


def _make(size_bytes: int = 1) -> _Page:
    return _Page(size_bytes)


def test_work_is_done_once_for_each_key() -> None:
    """All callers of a key get one result, and another key gets its own."""
    pages = OncePerKey[_Page](max_bytes=MAX_BYTES)
    first = pages.get("a", _make, WAIT_SECONDS)
    assert pages.get("a", _make, WAIT_SECONDS) is first
    assert pages.get("b", _make, WAIT_SECONDS) is not first


def test_results_have_a_limited_size() -> None:
    """What exceeds the limit is returned, but not kept."""
    pages = OncePerKey[_Page](max_bytes=MAX_BYTES)
    small = pages.get("small", _make, WAIT_SECONDS)
    large = pages.get("large", lambda: _make(MAX_BYTES), WAIT_SECONDS)
    assert pages.get("large", lambda: _make(MAX_BYTES), WAIT_SECONDS) is not large
    assert pages.get("small", _make, WAIT_SECONDS) is small


def test_failure_ends_the_wait_of_others_and_is_not_kept() -> None:
    """Callers that wait for work that fails get an error, and the next caller does the work."""
    pages = OncePerKey[_Page](max_bytes=MAX_BYTES)
    has_begun, may_end = Event(), Event()

    def fail() -> _Page:
        has_begun.set()
        may_end.wait(WAIT_SECONDS)
        raise LookupError

    with ThreadPoolExecutor(1) as pool:
        failing: Future[_Page] = pool.submit(pages.get, "a", fail, WAIT_SECONDS)
        has_begun.wait(WAIT_SECONDS)
        with pytest.raises(WorkFailedError):  # it isn't waited for
            pages.get("a", _make, 0)
        may_end.set()
        with pytest.raises(LookupError):
            failing.result()
    assert pages.get("a", _make, WAIT_SECONDS)
