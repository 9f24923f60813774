"""Limits how much work a worker does for rejected requests, which anybody can send."""

import time
from collections.abc import Callable
from typing import Any


class TokenBucket:
    """A token bucket. The number of tokens may become negative; then it must first rise above 0."""

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with `burst` tokens, which is also the maximum; add `rate` tokens per second."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._refilled_at = clock()

    def has_tokens(self) -> bool:
        """Return whether any tokens are left."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + self._rate * (now - self._refilled_at))
        self._refilled_at = now

        return self._tokens > 0

    def spend(self, amount: float) -> None:
        """Remove `amount` tokens, even if fewer are left; a negative amount returns tokens."""
        self._tokens -= amount


class Cooldowns:
    """Names of things that must not be tried again for some seconds."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends_at: dict[str, float] = {}

    def start(self, name: str) -> None:
        """Start the cooldown of `name`, or start it again."""
        now = self._clock()
        active = {other: end for other, end in self._ends_at.items() if end > now}
        self._ends_at = active | {name: now + self._seconds}

    def is_active(self, name: str) -> bool:
        """Return whether the cooldown of `name` has started and not ended yet."""
        return self._ends_at.get(name, 0) > self._clock()


class MeteredStream:
    """A request's input stream that removes a token from a bucket for each byte.

    Each read removes its tokens before it waits for data, so an interrupted read costs tokens too.
    If a read returns fewer bytes than requested, the difference is returned to the bucket.
    """

    def __init__(self, stream: Any, bucket: TokenBucket) -> None:
        self._stream = stream
        self._bucket = bucket

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end of the body."""
        self._bucket.spend(size)
        chunk: bytes = self._stream.read(size)
        self._bucket.spend(len(chunk) - size)

        return chunk

    @property
    def failed(self) -> bool:
        """Whether a read was interrupted. The server checks this on its own stream."""
        return bool(self._stream.failed)

    @failed.setter
    def failed(self, failed: bool) -> None:
        self._stream.failed = failed
