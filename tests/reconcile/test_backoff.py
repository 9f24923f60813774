"""The delays between two polls of a job."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from receiver.reconcile.backoff import MAX_ATTEMPTS, is_exhausted, next_delay
from receiver.store.polls.queue import MIN_POLL_DELAY
from receiver.store.polls.reasons import PollReason

REASONS = st.sampled_from(PollReason)


@given(REASONS, st.integers(0, 10_000), st.none() | st.floats(0, 3600))
def test_delay_has_bounds(reason: PollReason, attempts: int, retry_after: float | None) -> None:
    """A delay is at least ten seconds and Retry-After, and otherwise at most 7.2 hours."""
    minimum = timedelta(seconds=retry_after or 0)
    delay = next_delay(reason, attempts, retry_after)
    assert max(MIN_POLL_DELAY, minimum) <= delay <= max(timedelta(hours=7.2), minimum * 1.2)


@given(REASONS, st.integers(0, 10_000))
def test_delays_grow(reason: PollReason, attempts: int) -> None:
    """After one more failed poll the delay isn't shorter, except for the random part."""
    assert next_delay(reason, attempts + 1) * 1.2 >= next_delay(reason, attempts)


def test_unfinished_job_is_polled_every_ten_minutes_for_a_day() -> None:
    """The delays for an unfinished job start to grow after a day."""
    assert next_delay(PollReason.STATUS, 100) < timedelta(minutes=12.1)
    assert next_delay(PollReason.STATUS, 1000) >= timedelta(hours=6)


def test_only_the_status_is_polled_without_limit() -> None:
    """Polls for a transcript or a conversation end after MAX_ATTEMPTS."""
    assert not is_exhausted(PollReason.STATUS, 10_000)
    assert is_exhausted(PollReason.TRANSCRIPT, MAX_ATTEMPTS)
    assert not is_exhausted(PollReason.CONVERSATION, MAX_ATTEMPTS - 1)
