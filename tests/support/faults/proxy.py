"""A TCP proxy on loopback that can fall silent, one way or both, and cut what it carries."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Carries bytes between its port and `target`'s, both on loopback, while its ways are open."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._there = threading.Event()
        self._back = threading.Event()
        self._carried: set[socket.socket] = set()
        self._changing = threading.Lock()
        self.speak()
        threading.Thread(target=self._accept, daemon=True).start()

    def speak(self) -> None:
        """Carry everything, what was held back first."""
        self._there.set()
        self._back.set()

    def fall_silent(self) -> None:
        """Accept connections and bytes, and pass nothing on."""
        self._there.clear()
        self._back.clear()

    def hold_answers(self) -> None:
        """Pass on what is asked, and nothing of what is answered."""
        self._back.clear()

    def cut(self) -> None:
        """End every connection, as a router that forgets them."""
        with self._changing:
            for end in self._carried:
                # Whoever blocks on it notices, which a mere close() doesn't see to.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept nothing any more, and end every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.speak()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """Carry one connection until one of its ends is gone; then the other goes too."""
        with near, contextlib.suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._target))
            with far, self._kept(near, far):
                back = threading.Thread(target=_pump, args=(far, near, self._back), daemon=True)
                back.start()
                _pump(near, far, self._there)
                back.join()

    @contextlib.contextmanager
    def _kept(self, *ends: socket.socket) -> Iterator[None]:
        with self._changing:
            self._carried.update(ends)
        try:
            yield
        finally:
            with self._changing:
                self._carried.difference_update(ends)


def _pump(source: socket.socket, sink: socket.socket, opened: threading.Event) -> None:
    """Pass on what comes while the way is open; at the end of either, end both."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            opened.wait()
            sink.sendall(part)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Run a proxy before the port `target` until the block ends."""
    running = Proxy(target)
    try:
        yield running
    finally:
        running.close()
