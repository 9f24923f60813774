"""Shows the progress of a measurement on the terminal, and limits its time."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class TooSlowError(Exception):
    """A measurement took longer than allowed."""


def print_progress(text: str) -> None:
    """Print to standard error without a line break; it is not part of the report."""
    print(text, end="", file=sys.stderr, flush=True)


def count_rounds(times: int) -> Iterator[int]:
    """Yield the numbers of the rounds from 0, and print each."""
    for number in range(times):
        print_progress(f" {number + 1}/{times}")
        yield number


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in the block after this number of seconds."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise TooSlowError(f"it took more than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
