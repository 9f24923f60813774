"""A server that never comes to an end, and never lets anybody wait long for the next byte."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# In seconds, between two bytes.
_PACE = 0.02

HEAD = b"HTTP/1.1 202 Accepted\r\nX-Endless: "
BODY = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"


@contextmanager
def serve_dripping(begin: bytes, *, port: int = 0) -> Iterator[str]:
    """Yield the URL of one whose answers begin like that, and go on with blanks."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not over.wait(_PACE):
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
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
