"""The raw body: read once, capped, and within what one worker may hold in flight."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from receiver.deadline import Deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# In bytes, of all bodies that one worker holds at a time; a body's cap is far below it.
IN_FLIGHT_BYTES = 32 * 1024 * 1024


class BodyTooLarge(Exception):
    """The body exceeds MAX_BODY_BYTES."""


class BodyCutShort(Exception):
    """The body ended before its promised length: a fault on the way, not the sender's."""


class TooMuchInFlight(Exception):
    """Other requests' bodies held the worker's memory until the deadline."""


class InFlight:
    """The bytes that the requests of one worker may hold together."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._changed = threading.Condition()

    def take(self, size: int, deadline: Deadline) -> None:
        """Wait for `size` bytes to be free and take them; raises TooMuchInFlight."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, deadline.remaining()):
                raise TooMuchInFlight
            self._free -= size

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        with self._changed:
            self._free += size
            self._changed.notify_all()

    @contextmanager
    def reader(
        self, environ: "WSGIEnvironment", *, limit: int, deadline: Deadline
    ) -> Iterator[Callable[[], bytes]]:
        """Give a function that reads the body; its bytes count as in flight until the end.

        The function raises BodyTooLarge, BodyCutShort or TooMuchInFlight. Nothing is taken before
        it is called, so that a request that is refused by its headers holds nothing.
        """
        taken = 0

        def read() -> bytes:
            nonlocal taken
            promised = environ.get("CONTENT_LENGTH")
            # Without a promise (a chunked body) it may turn out as large as is allowed.
            size = int(promised) if promised else limit
            if size > limit:
                raise BodyTooLarge
            self.take(size, deadline)
            taken = size

            return _read(environ, size, exactly=bool(promised), limit=limit)

        try:
            yield read
        finally:
            self.give_back(taken)


def _read(environ: "WSGIEnvironment", size: int, *, exactly: bool, limit: int) -> bytes:
    """Read from the server's own stream: Werkzeug's hands over a cut body in silence."""
    try:
        body: bytes = environ["wsgi.input"].read(size if exactly else size + 1)
    except Exception as error:
        # A reset connection, a chunk without its end: each server has errors of its own for it.
        raise BodyCutShort from error
    if len(body) > limit:
        raise BodyTooLarge
    if exactly and len(body) < size:
        raise BodyCutShort

    return body
