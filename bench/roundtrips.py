"""A proxy before Postgres that counts round trips: how often the server says it's ready again."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_READY = (
    b"Z"  # ReadyForQuery, https://www.postgresql.org/docs/current/protocol-message-formats.html
)
_NO = b"N"
_PIECE = 65536


class Counter:
    """Counts, over all connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._count = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        """Count some more."""
        with self._lock:
            self._count += number

    def taken(self) -> int:
        """Return the count, and begin anew."""
        with self._lock:
            count, self._count = self._count, 0

        return count


@contextmanager
def counting(server_port: int) -> Iterator[Counter]:
    """Pass on every connection to the server until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        counter = Counter(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, server_port, counter), daemon=True).start()
        yield counter
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server_port: int, counter: Counter) -> None:
    with suppress(OSError):  # the listener is closed
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", server_port))
            for target, args in ((_pass_on, (client, server)), (_count, (server, client, counter))):
                threading.Thread(target=target, args=args, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with source, suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def _count(source: socket.socket, target: socket.socket, counter: Counter) -> None:
    """Pass on what the server says; a message is a letter, and a length that counts itself."""
    pending = bytearray()
    with source, suppress(OSError):
        # Asked whether it speaks TLS, or GSSAPI, the server says no in a letter without a length.
        while (piece := source.recv(1)) == _NO:
            target.sendall(piece)
        target.sendall(piece)
        pending += piece
        while piece := source.recv(_PIECE):
            target.sendall(piece)
            pending += piece
            start = ready = 0
            while len(pending) - start >= 5:  # noqa: PLR2004 - letter and length
                (length,) = struct.unpack_from("!I", pending, start + 1)
                if len(pending) - start < 1 + length:
                    break
                ready += pending[start : start + 1] == _READY
                start += 1 + length
            del pending[:start]
            counter.add(ready)
        target.shutdown(socket.SHUT_WR)
