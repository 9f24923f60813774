"""A proxy for Postgres that counts round trips: how often the server reports ReadyForQuery."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# The type of ReadyForQuery: https://www.postgresql.org/docs/current/protocol-message-formats.html
_READY = b"Z"
_NO = b"N"
_CHUNK_BYTES = 65536


class Counter:
    """The count of round trips over all connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._count = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        """Add to the count."""
        with self._lock:
            self._count += number

    def reset(self) -> int:
        """Return the count, and start again at 0."""
        with self._lock:
            count, self._count = self._count, 0

        return count


@contextmanager
def counting(server_port: int) -> Iterator[Counter]:
    """Forward every connection to the server until the block ends."""
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
            for target, args in ((_forward, (client, server)), (_count, (server, client, counter))):
                threading.Thread(target=target, args=args, daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with source, suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


def _count(source: socket.socket, target: socket.socket, counter: Counter) -> None:
    """Forward the server's messages: a letter, then a length that includes its own four bytes."""
    pending = bytearray()
    with source, suppress(OSError):
        # The server rejects TLS or GSSAPI with a letter without a length.
        while (chunk := source.recv(1)) == _NO:
            target.sendall(chunk)
        target.sendall(chunk)
        pending += chunk
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
            pending += chunk
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
