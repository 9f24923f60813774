"""A client's connection: limits how long and how large the head of a request may be."""

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.socket import socket as GeventSocket  # noqa: N812 - it is a class
from gunicorn.http.errors import LimitRequestHeaders  # type: ignore[import-untyped]

# The request line and all fields together. gunicorn limits only the number of fields and the size
# of each, and these multiply to 800 kB. A 431 is final for Twilio, so there is room: Twilio sends
# some 10 fields, 1 kB without the URL; a router, balancer or CDN adds 5 to 25 fields, 2 kB; and the
# URL, 8 kB at most, may be there twice more, as X-Original-URL has it. nginx accepts 32 KiB from a
# client by default, Heroku's router 8 KiB a line, an AWS balancer and Envoy some 60 KiB.
MAX_HEAD_BYTES = 32 * 1024
# Long enough for some megabytes to a slow client.
SEND_TIMEOUT_SECONDS = 60.0
# Closing such a connection discards what the client hasn't received (SO_LINGER).
_DISCARD = struct.pack("ii", 1, 0)


class Connection(GeventSocket):
    """An accepted connection. It limits a head that is read within `receive_head`."""

    is_idle = False  # a head is awaited, and nothing of it has arrived
    _timeout: gevent.Timeout | None = None  # while a head is read
    _head_seconds = 0.0
    _head_bytes = 0
    _has_ended = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Where this connection is while it sends, in the order of the beginnings.
        self.sending: dict[Connection, None] = {}

    @contextmanager
    def receive_head(self, *, idle_seconds: float, head_seconds: float) -> Iterator[None]:
        """Leave the block, which reads a head, silently at a time limit.

        The head has to begin within `idle_seconds`, and to end within `head_seconds` after that.
        """
        self.is_idle, self._head_seconds, self._head_bytes = True, head_seconds, 0
        self._timeout = gevent.Timeout.start_new(idle_seconds)
        try:
            yield
        except gevent.Timeout as raised:
            if raised is not self._timeout:
                raise
        finally:
            self.is_idle = False
            self._timeout.close()
            self._timeout = None

    def end_input(self) -> None:
        """Receive only what has arrived already. A greenlet that waits for more wakes up."""
        self._has_ended = True
        try:
            self.shutdown(socket.SHUT_RD)
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # the client has reset the connection
                raise

    def abort(self) -> None:
        """End a `sendall` that waits for the client, with its ConnectionResetError."""
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # the client has reset the connection
                raise

    def recv(self, *args: int) -> bytes:
        """Receive as a socket does.

        Raises gunicorn's LimitRequestHeaders, which it answers with 431, if a head is too large.
        """
        if not self._timeout:
            return self._receive(*args)
        if self._head_bytes >= MAX_HEAD_BYTES:
            raise LimitRequestHeaders(f"the head has more than {MAX_HEAD_BYTES} bytes")
        # Most heads arrive at once. Only a head that has begun and isn't complete needs this timer.
        if self._head_bytes and self._head_seconds:
            self._timeout.close()
            self._timeout = gevent.Timeout.start_new(self._head_seconds)
            self._head_seconds = 0.0
        data = self._receive(*args)
        self._head_bytes += len(data)
        self.is_idle = not self._head_bytes

        return data

    def _receive(self, *args: int) -> bytes:
        try:
            return bytes(super().recv(*args))
        except OSError as error:
            # This is how gevent wakes up a greenlet that waits. Now nothing has to wait.
            if error.errno != errno.EBADF or not self._has_ended:
                raise
            return bytes(super().recv(*args))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send as a socket does.

        Raises ConnectionResetError, which gunicorn doesn't log, if the client doesn't receive it.
        """
        try:
            sent_bytes = self.send(data, flags, 0.0)  # type: ignore[call-arg]  # gevent's timeout
        except BlockingIOError:
            sent_bytes = 0
        # Most responses fit into the socket's buffer, and need no timer.
        if sent_bytes < len(data):
            self._send_rest(memoryview(data)[sent_bytes:], flags)

    def _send_rest(self, data: memoryview, flags: int) -> None:
        error = ConnectionResetError(errno.ECONNRESET, "the client doesn't receive the response")
        self.sending[self] = None
        try:
            with gevent.Timeout(SEND_TIMEOUT_SECONDS, error):
                super().sendall(data, flags)
        except OSError as other:
            # This is how gevent wakes up a greenlet that waits when `abort` shuts the socket down.
            if other.errno != errno.EBADF:
                raise
            raise error from None
        finally:
            self.sending.pop(self, None)
