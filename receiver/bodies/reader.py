"""The raw body: read once, capped, and within what one worker may hold in flight."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError
from receiver.signatures.signature import ReadBody

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# In bytes, of all bodies together that one worker holds. Those of requests whose signature is known
# to be right have room of their own: what anybody can send must not keep them waiting.
PROVED_BYTES = 32 * 1024 * 1024
UNPROVED_BYTES = 2 * 1024 * 1024
# Of one body that has to be read before anything is proved: a form, of which Twilio's are small.
UNPROVED_BODY_BYTES = 64 * 1024

# Of requests that are refused, and only looked at in case a setting is wrong. The room is taken as
# the bytes arrive, so that nobody holds it with a promise; Twilio's own bodies have 1 MB at most.
REFUSED_BODY_BYTES = 1024 * 1024 + 64 * 1024
REFUSED_BYTES = 8 * REFUSED_BODY_BYTES
_PIECE = 16 * 1024


class BodyTooLargeError(ReceiverError):
    """The body exceeds `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class BodyIncompleteError(ReceiverError):
    """The body ended before its promised length: a fault on the way, not the sender's."""


class MemoryBudgetError(ReceiverError):
    """Other requests' bodies held the worker's memory until the deadline."""


class MemoryBudget:
    """The bytes that the bodies of one worker may take together, and one of them alone."""

    def __init__(self, total: int, largest: int) -> None:
        self.largest = largest
        self._free = max(total, largest)
        self._holders: set[str] = set()
        # Its own kind of lock: of a plain one gevent lets others run while the condition asks whose
        # it is, and a deadline that strikes then keeps the bytes for good.
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int, deadline: Deadline, holder: str = "") -> Iterator[None]:
        """Wait for `size` bytes to be free and hold them; raises MemoryBudgetError.

        Of those that go by the same name, if they have one, one at a time holds any.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._free >= size and holder not in self._holders, deadline.remaining()
            ):
                raise MemoryBudgetError
            self._free -= size
            if holder:
                self._holders.add(holder)
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._holders.discard(holder)
                self._changed.notify_all()


class BodyReader:
    """Where the bodies of one worker are read."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self._proved = MemoryBudget(PROVED_BYTES, max_body_bytes)
        self._unproved = MemoryBudget(UNPROVED_BYTES, min(UNPROVED_BODY_BYTES, max_body_bytes))
        self._refused = MemoryBudget(REFUSED_BYTES, min(REFUSED_BODY_BYTES, max_body_bytes))

    @contextmanager
    def reader(self, environ: "WSGIEnvironment", deadline: Deadline) -> Iterator[ReadBody]:
        """Give what reads the body, whose bytes count as in flight until the end.

        It raises BodyTooLargeError, BodyIncompleteError or MemoryBudgetError. Nothing is taken
        before it is
        called, so that a request that is refused by its headers holds nothing.
        """
        with ExitStack() as held:

            def read(*, proved: bool) -> bytes:
                room = self._proved if proved else self._unproved
                promised = environ.get("CONTENT_LENGTH")
                # Without a promise (a chunked body) it may turn out as large as is allowed.
                size = int(promised) if promised else room.largest
                if size > room.largest:
                    raise BodyTooLargeError(room.largest)
                # A signature that is right speaks of one body. Whoever has seen it can send it as
                # often as they like, and must not hold more of the room than that one.
                holder = environ.get("HTTP_X_TWILIO_SIGNATURE", "") if proved else ""
                held.enter_context(room.taken(size, deadline, holder))

                return _read(environ, size, exactly=bool(promised))

            yield read

    @contextmanager
    def refused(self, environ: "WSGIEnvironment") -> Iterator[bytes]:
        """Give the body of a request that is refused, or raise as `reader` does; never wait.

        A body that is cut short isn't told from others: its hash does.
        """
        largest = self._refused.largest
        left = int(environ.get("CONTENT_LENGTH") or largest + 1)
        if left > largest + 1:
            raise BodyTooLargeError(largest)
        body = bytearray()
        with ExitStack() as held:
            while left:
                held.enter_context(self._refused.taken(min(left, _PIECE), Deadline(0)))
                piece = _piece(environ, min(left, _PIECE))
                if not piece:
                    break
                body += piece
                left -= len(piece)
            if len(body) > largest:
                raise BodyTooLargeError(largest)
            yield bytes(body)


def _read(environ: "WSGIEnvironment", size: int, *, exactly: bool) -> bytes:
    """Read from the server's own stream: Werkzeug's hands over a cut body in silence."""
    body = _piece(environ, size if exactly else size + 1)
    if len(body) > size:
        raise BodyTooLargeError(size)
    if exactly and len(body) < size:
        raise BodyIncompleteError

    return body


def _piece(environ: "WSGIEnvironment", size: int) -> bytes:
    """Read so many bytes, fewer at the end."""
    stream = environ["wsgi.input"]
    try:
        piece: bytes = stream.read(size)
    except Exception as error:
        # A reset connection, a chunk without its end: each server has errors of its own for it.
        raise BodyIncompleteError from error
    except BaseException:
        # A deadline, in the middle of the read. gunicorn, which sees to Exceptions only, would take
        # the rest of the body for the connection's next request.
        stream.failed = True
        raise

    return piece
