"""The circuit breaker."""

import pytest

from receiver.spool import breaker
from receiver.spool.breaker import CircuitBreaker


def test_it_is_closed_until_something_fails() -> None:
    """Nobody is kept from a database of which nothing is known."""
    assert not CircuitBreaker().is_open()


def test_a_failure_opens_it_and_a_success_closes_it() -> None:
    """After `trip` all pass the database over, after `reset` nobody does."""
    fuse = CircuitBreaker()
    fuse.trip()
    assert fuse.is_open()
    assert fuse.is_open()
    fuse.reset()
    assert not fuse.is_open()


def test_after_the_pause_one_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """One caller finds it closed, and those after it don't until that one has succeeded."""
    fuse = CircuitBreaker()
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0)
    fuse.trip()
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 60)
    assert not fuse.is_open()
    assert fuse.is_open()
    fuse.reset()
    assert not fuse.is_open()
