"""Pacing: everything but callbacks leaves the event loop to callbacks every few milliseconds."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import gevent
from gevent.timeout import with_timeout

# How long a worker may process readers without a look at its sockets. A callback needs several
# looks: it is accepted, read, recorded and answered.
SLICE_SECONDS = 0.003
# The longest pause. Otherwise a worker that is always busy with callbacks would answer nothing
# else, its health check included.
MAX_PAUSE_SECONDS = 0.05

# Items between two calls of `pause`: they take less than a slice.
_ITEMS_PER_PAUSE = 128

Item = TypeVar("Item")
Pause = Callable[[], None]


class Pacer:
    """The pace of one worker: all its readers share the slices."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._resumed_at = 0.0  # monotonic

    def pause_if_due(self) -> None:
        """Wait until the event loop is idle, if the last pause is longer ago than a slice.

        Nothing else is paused in between: others that are due wait for the same pause.
        """
        with self._turn:
            if time.monotonic() - self._resumed_at < SLICE_SECONDS:
                return
            with_timeout(MAX_PAUSE_SECONDS, gevent.idle, timeout_value=None)
            self._resumed_at = time.monotonic()


def no_pause() -> None:
    """Don't pause: for work that delays nobody."""


def paced(items: Iterable[Item], pause: Pause) -> Iterator[Item]:
    """Yield the items, and call `pause` after every few."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _ITEMS_PER_PAUSE == 0:
            pause()
