"""Tests of the limit of failures per address."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.runtime.failure_limiter import (
    MAX_FAILURES,
    SLOT_COUNT,
    WINDOW_SECONDS,
    Failure,
    FailureLimiter,
)

CLIENT = "203.0.113.7"


def _fail(limiter: FailureLimiter, times: int, *, at: float = 0.0) -> list[Failure]:
    return [limiter.count(CLIENT, at) for _ in range(times)]


def test_failures_above_the_limit_have_a_time_to_retry() -> None:
    """Failures above the limit are limited until the end of the window."""
    limiter = FailureLimiter()
    assert {f.retry_after_seconds for f in _fail(limiter, MAX_FAILURES)} == {None}
    for at in (0.0, 0.5, WINDOW_SECONDS - 0.001):
        retry_after_seconds = limiter.count(CLIENT, at).retry_after_seconds
        assert retry_after_seconds is not None
        assert 0 < WINDOW_SECONDS - at <= retry_after_seconds < WINDOW_SECONDS - at + 1
    assert limiter.count(CLIENT, WINDOW_SECONDS).retry_after_seconds is None


def test_two_failures_of_a_window_are_logged() -> None:
    """The first failure of a window and the first above the limit are logged, with the others."""
    limiter = FailureLimiter()
    failures = _fail(limiter, 3000) + _fail(limiter, 1, at=WINDOW_SECONDS)
    logged = [number for number, failure in enumerate(failures) if failure.is_logged]
    assert logged == [0, MAX_FAILURES, 3000]
    assert [failures[number].unlogged for number in logged] == [
        0,
        MAX_FAILURES - 1,
        3000 - MAX_FAILURES - 1,
    ]


@given(st.lists(st.ip_addresses(v=4).map(str), unique=True, min_size=1, max_size=100))
def test_failures_of_other_addresses_do_not_count(addresses: list[str]) -> None:
    """Addresses that fail once each are not limited, although a few of them share a slot."""
    limiter = FailureLimiter()
    # The slots depend on a secret of the process. The chance for a full one is negligible.
    assert all(limiter.count(address, 0.0).retry_after_seconds is None for address in addresses)


def test_many_addresses_need_no_more_log_lines_than_slots() -> None:
    """A flood from any number of addresses causes at most two lines for each slot and window."""
    limiter = FailureLimiter()
    flood = [limiter.count(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 0.0) for n in range(20_000)]
    assert sum(failure.is_logged for failure in flood) <= 2 * SLOT_COUNT


def test_neighbors_in_an_ipv6_network_are_one_client() -> None:
    """The addresses of a /64 network count as one, and a mapped IPv4 address as that address."""
    limiter = FailureLimiter()
    _fail(limiter, MAX_FAILURES)
    assert limiter.count(f"::ffff:{CLIENT}", 0.0).retry_after_seconds
    for number in range(MAX_FAILURES):
        limiter.count(f"2001:db8::{number:x}", 0.0)
    assert limiter.count("2001:db8::ffff:0:0:1", 0.0).retry_after_seconds


def test_peer_without_an_address_is_limited() -> None:
    """The peers of a Unix socket have no address, and share a limit."""
    limiter = FailureLimiter()
    failures = [limiter.count("", 0.0) for _ in range(MAX_FAILURES + 1)]
    assert failures[-1].retry_after_seconds
