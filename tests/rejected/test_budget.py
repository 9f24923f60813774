"""Tests of the budget: it bounds the cost of a flood, and a cooldown ends after its time."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.rejected.budget import Cooldowns, TokenBucket


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 10))))
def test_spending_is_bounded(steps: list[tuple[float, float]]) -> None:
    """At most the burst, the tokens gained since, and one request's overdraft are spent."""
    now = 0.0
    bucket = TokenBucket(rate=2, burst=10, clock=lambda: now)
    spent = 0.0
    for wait_seconds, amount in steps:
        now += wait_seconds
        if bucket.has_tokens():
            bucket.spend(amount)
            spent += amount
    assert spent <= 10 + 2 * now + 10 + 1e-6


def test_overdraft_is_repaid_first() -> None:
    """After an overdraft there are no tokens until it is repaid."""
    now = 0.0
    bucket = TokenBucket(rate=2, burst=10, clock=lambda: now)
    bucket.spend(14)
    assert not bucket.has_tokens()
    now = 2.0
    assert not bucket.has_tokens()
    now = 2.1
    assert bucket.has_tokens()


def test_cooldown_ends() -> None:
    """A cooldown is active for its time and only for its own name."""
    now = 0.0
    cooldowns = Cooldowns(5, clock=lambda: now)
    cooldowns.start("AC1")
    assert cooldowns.is_active("AC1")
    assert not cooldowns.is_active("AC2")
    now = 5.0
    assert not cooldowns.is_active("AC1")
