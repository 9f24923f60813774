"""What a worker may spend on requests that prove nothing: so much a second, saved up to a burst."""

import time
from collections.abc import Callable
from typing import Any


class Bucket:
    """A token bucket. It may run into debt, which has to be made up for before it gives again."""

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Hold `burst` at first and at most; `rate` is added each second of the clock."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left = burst
        self._seen = clock()

    def has_any(self) -> bool:
        """Tell whether there is anything left."""
        now = self._clock()
        self._left = min(self._burst, self._left + self._rate * (now - self._seen))
        self._seen = now

        return self._left > 0

    def spend(self, amount: float) -> None:
        """Take out so much, be it there or not."""
        self._left -= amount


class Pauses:
    """What isn't to be tried again for some seconds, by name."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """Let it rest from now on."""
        now = self._clock()
        still = {other: until for other, until in self._until.items() if until > now}
        self._until = still | {name: now + self._seconds}

    def holds(self, name: str) -> bool:
        """Tell whether it rests."""
        return self._until.get(name, 0) > self._clock()


class Metered:
    """A request's stream whose bytes are paid for as they are asked for, come they or not.

    What a read leaves away at the body's end is given back.
    """

    def __init__(self, stream: Any, bucket: Bucket) -> None:
        self._stream = stream
        self._bucket = bucket

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        self._bucket.spend(size)
        piece: bytes = self._stream.read(size)
        self._bucket.spend(len(piece) - size)

        return piece

    @property
    def failed(self) -> bool:
        """Whether a read was given up, as the server has to know of its own stream."""
        return bool(self._stream.failed)

    @failed.setter
    def failed(self, failed: bool) -> None:
        self._stream.failed = failed
