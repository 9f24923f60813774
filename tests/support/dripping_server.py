"""A server whose response never ends and whose bytes arrive at short intervals."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_BYTE_INTERVAL_SECONDS = 0.02

HEAD = b"HTTP/1.1 202 Accepted\r\nX-Endless: "
BODY = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"


@contextmanager
def serve_dripping(begin: bytes, *, port: int = 0) -> Iterator[str]:
    """Yield the URL of a server whose responses begin with `begin` and continue with blanks."""
    stopped = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not stopped.wait(_BYTE_INTERVAL_SECONDS):
                connection.sendall(b" ")

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
