"""How far a measurement is, on the terminal, and that it ends."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class TooSlowError(Exception):
    """A measurement took longer than it may."""


def say(text: str) -> None:
    """Go on with a line on the terminal that is none of the report."""
    print(text, end="", file=sys.stderr, flush=True)


def counted(times: int) -> Iterator[int]:
    """Count from nought, and show it."""
    for number in range(times):
        say(f" {number + 1}/{times}")
        yield number


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlowError where the block still runs after so many seconds."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise TooSlowError(f"it took more than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
