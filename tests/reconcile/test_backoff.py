"""The pace: longer each time, never shorter than Twilio says."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from receiver.reconcile.backoff import MAX_ATTEMPTS, is_exhausted, next_delay
from receiver.store.polls.queue import MIN_POLL_DELAY
from receiver.store.polls.reasons import PollReason

NEEDS = st.sampled_from(PollReason)


@given(NEEDS, st.integers(0, 10_000), st.none() | st.floats(0, 3600))
def test_a_pause_has_bounds(need: PollReason, attempts: int, retry_after: float | None) -> None:
    """It is ten seconds at least, Retry-After at least, and else six hours and some at most."""
    told = timedelta(seconds=retry_after or 0)
    length = next_delay(need, attempts, retry_after)
    assert max(MIN_POLL_DELAY, told) <= length <= max(timedelta(hours=7.2), told * 1.2)


@given(NEEDS, st.integers(0, 10_000))
def test_pauses_grow(need: PollReason, attempts: int) -> None:
    """What was in vain again isn't asked for sooner than before, but for what chance adds."""
    assert next_delay(need, attempts + 1) * 1.2 >= next_delay(need, attempts)


def test_an_unfinished_job_is_asked_about_every_ten_minutes_for_a_day() -> None:
    """Only after that its pauses grow longer."""
    assert next_delay(PollReason.STATUS, 100) < timedelta(minutes=12.1)
    assert next_delay(PollReason.STATUS, 1000) >= timedelta(hours=6)


def test_only_a_jobs_end_is_waited_for_for_ever() -> None:
    """What a conversation should hold is asked for so many times."""
    assert not is_exhausted(PollReason.STATUS, 10_000)
    assert is_exhausted(PollReason.TRANSCRIPT, MAX_ATTEMPTS)
    assert not is_exhausted(PollReason.CONVERSATION, MAX_ATTEMPTS - 1)
