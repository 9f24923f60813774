"""What a worker may spend on requests that prove nothing: so much a second, saved up to a burst."""

import time
from collections.abc import Callable


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
