"""Tests of the circuit breaker."""

from receiver.spool.breaker import OPEN_SECONDS, CircuitBreaker


def test_new_breaker_is_closed() -> None:
    """A new breaker is closed."""
    assert not CircuitBreaker().is_open()


def test_failure_opens_and_success_closes() -> None:
    """`trip` opens the breaker for all callers, and `reset` closes it."""
    breaker = CircuitBreaker()
    breaker.trip()
    assert breaker.is_open()
    assert breaker.is_open()
    breaker.reset()
    assert not breaker.is_open()


def test_after_its_time_one_caller_may_retry() -> None:
    """After OPEN_SECONDS one caller finds the breaker closed; the others wait for its success."""
    now = 0.0
    breaker = CircuitBreaker(clock=lambda: now)
    breaker.trip()
    now = OPEN_SECONDS
    assert not breaker.is_open()
    assert breaker.is_open()
    breaker.reset()
    assert not breaker.is_open()
