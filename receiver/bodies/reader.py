"""Reads request bodies once, up to a maximum size, and within the worker's memory budgets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from receiver.bodies.memory_budget import MemoryBudget
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import ReceiverError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Bodies with a proved signature have their own budget: they must not wait for bodies that anybody
# can send.
PROVED_BYTES = 32 * 1024 * 1024
UNPROVED_BYTES = 2 * 1024 * 1024
# A form is read before it is proved. Twilio's forms are small.
UNPROVED_BODY_BYTES = 64 * 1024
# A smaller form reserves this much, because its request needs memory too. So a worker waits for the
# bodies of 128 forms at most.
MIN_UNPROVED_BYTES = 16 * 1024

# Bodies of rejected requests are read in case a setting is wrong. Their memory is reserved as the
# bytes arrive, so that a large Content-Length alone reserves nothing. Twilio sends at most 1 MB.
REJECTED_BODY_BYTES = 1024 * 1024 + 64 * 1024
REJECTED_BYTES = 8 * REJECTED_BODY_BYTES
_CHUNK_BYTES = 16 * 1024


class BodyTooLargeError(ReceiverError):
    """The body exceeds `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes


class BodyIncompleteError(ReceiverError):
    """The body is shorter than its Content-Length: the transfer failed, not the sender."""


class BodyReader:
    """Reads the bodies of one worker's requests."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self._proved = MemoryBudget(PROVED_BYTES, max_body_bytes)
        self._unproved = MemoryBudget(UNPROVED_BYTES, min(UNPROVED_BODY_BYTES, max_body_bytes))
        self._rejected = MemoryBudget(REJECTED_BYTES, min(REJECTED_BODY_BYTES, max_body_bytes))

    @property
    def held_bytes(self) -> int:
        """How many bytes of bodies are held, or reserved for bodies that arrive."""
        return sum(each.held_bytes for each in (self._proved, self._unproved, self._rejected))

    @contextmanager
    def read(
        self, environ: "WSGIEnvironment", deadline: Deadline, *, is_proved: bool
    ) -> Iterator[bytes]:
        """Yield the request's body, and hold its memory until the block ends.

        `is_proved` says that the signature is known to be right. Raises BodyTooLargeError,
        BodyIncompleteError or MemoryBudgetError.
        """
        budget = self._proved if is_proved else self._unproved
        content_length = environ.get("CONTENT_LENGTH")
        # A chunked body has no Content-Length: reserve the maximum.
        size_bytes = int(content_length) if content_length else budget.max_body_bytes
        if size_bytes > budget.max_body_bytes:
            raise BodyTooLargeError(budget.max_body_bytes)
        # One signature covers one body, so a replay may reserve memory only once.
        holder = environ.get("HTTP_X_TWILIO_SIGNATURE", "") if is_proved else ""
        reserved_bytes = size_bytes if is_proved else max(size_bytes, MIN_UNPROVED_BYTES)
        with budget.reserve(reserved_bytes, deadline, holder):
            yield _read(environ, size_bytes, is_exact=bool(content_length))

    @contextmanager
    def read_rejected(self, environ: "WSGIEnvironment") -> Iterator[bytes]:
        """Yield a rejected request's body; raises what `read` raises, and never waits for memory.

        An incomplete body isn't detected here: its hash won't match.
        """
        limit_bytes = self._rejected.max_body_bytes
        remaining_bytes = int(environ.get("CONTENT_LENGTH") or limit_bytes + 1)
        if remaining_bytes > limit_bytes + 1:
            raise BodyTooLargeError(limit_bytes)
        body = bytearray()
        with ExitStack() as reservations:
            while remaining_bytes:
                reserved = self._rejected.reserve(min(remaining_bytes, _CHUNK_BYTES), Deadline(0))
                reservations.enter_context(reserved)
                chunk = _read_chunk(environ, min(remaining_bytes, _CHUNK_BYTES))
                if not chunk:
                    break
                body += chunk
                remaining_bytes -= len(chunk)
            if len(body) > limit_bytes:
                raise BodyTooLargeError(limit_bytes)
            yield bytes(body)


def _read(environ: "WSGIEnvironment", size_bytes: int, *, is_exact: bool) -> bytes:
    """Read from the server's own stream: Werkzeug's doesn't report an incomplete body."""
    body = _read_chunk(environ, size_bytes if is_exact else size_bytes + 1)
    if len(body) > size_bytes:
        raise BodyTooLargeError(size_bytes)
    if is_exact and len(body) < size_bytes:
        raise BodyIncompleteError

    return body


def _read_chunk(environ: "WSGIEnvironment", size_bytes: int) -> bytes:
    """Read this many bytes, fewer at the end of the body."""
    stream = environ["wsgi.input"]
    try:
        chunk: bytes = stream.read(size_bytes)
    except Exception as error:
        # A reset connection, or a chunk without its end: each server has its own errors for these.
        raise BodyIncompleteError from error
    except BaseException:
        # The deadline ended the read. gunicorn checks for Exceptions only: without this mark it
        # would parse the rest of the body as the connection's next request.
        stream.failed = True
        raise

    return chunk
