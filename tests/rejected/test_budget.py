"""The budget: what a flood costs is bounded, and what rests does so for its time."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.rejected.budget import Cooldowns, TokenBucket


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 10))))
def test_no_more_is_spent_than_was_there(steps: list[tuple[float, float]]) -> None:
    """Over any time it is the burst, what came since, and the debt of one request at most."""
    now = 0.0
    bucket = TokenBucket(rate=2, burst=10, clock=lambda: now)
    spent = 0.0
    for later, amount in steps:
        now += later
        if bucket.has_tokens():
            bucket.spend(amount)
            spent += amount
    assert spent <= 10 + 2 * now + 10 + 1e-6


def test_a_debt_is_made_up_for() -> None:
    """After a large body nothing is given until its time has come."""
    now = 0.0
    bucket = TokenBucket(rate=2, burst=10, clock=lambda: now)
    bucket.spend(14)
    assert not bucket.has_tokens()
    now = 2.0
    assert not bucket.has_tokens()
    now = 2.1
    assert bucket.has_tokens()


def test_a_pause_ends() -> None:
    """It holds for its seconds, for its own name, and those that ended are forgotten."""
    now = 0.0
    cooldowns = Cooldowns(5, clock=lambda: now)
    cooldowns.start("AC1")
    assert cooldowns.is_active("AC1")
    assert not cooldowns.is_active("AC2")
    now = 5.0
    assert not cooldowns.is_active("AC1")
