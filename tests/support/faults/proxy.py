"""A TCP proxy on loopback that can block traffic and close its connections."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Forwards bytes between its port and the port `target`, while the directions are open."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._to_target = threading.Event()
        self._to_client = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.resume_traffic()
        threading.Thread(target=self._accept, daemon=True).start()

    def resume_traffic(self) -> None:
        """Forward everything again, beginning with what was blocked."""
        self._to_target.set()
        self._to_client.set()

    def block(self) -> None:
        """Accept connections and bytes, and forward nothing."""
        self._to_target.clear()
        self._to_client.clear()

    def block_open_connections(self) -> None:
        """Block the connections that are open now, for good, and forward the later ones."""
        self.block()
        self._to_target, self._to_client = threading.Event(), threading.Event()
        self.resume_traffic()

    def block_answers(self) -> None:
        """Forward requests, and block answers."""
        self._to_client.clear()

    def disconnect(self) -> None:
        """Close every connection, like a router that loses its state."""
        with self._lock:
            for end in self._connections:
                # Unlike close(), it also ends a blocking call in another thread.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and close every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.resume_traffic()
        self.disconnect()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(near,), daemon=True).start()

    def _forward(self, near: socket.socket) -> None:
        """Forward one connection until either end closes it."""
        with near, contextlib.suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._target))
            with far, self._registered(near, far):
                back = threading.Thread(
                    target=_copy, args=(far, near, self._to_client), daemon=True
                )
                back.start()
                _copy(near, far, self._to_target)
                back.join()

    @contextlib.contextmanager
    def _registered(self, *ends: socket.socket) -> Iterator[None]:
        with self._lock:
            self._connections.update(ends)
        try:
            yield
        finally:
            with self._lock:
                self._connections.difference_update(ends)


def _copy(source: socket.socket, sink: socket.socket, is_open: threading.Event) -> None:
    """Copy bytes while the direction is open; when either end closes, close both."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            is_open.wait()
            sink.sendall(part)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Run a proxy in front of the port `target` while the context is active."""
    proxy_server = Proxy(target)
    try:
        yield proxy_server
    finally:
        proxy_server.close()
