"""A receiver of callbacks: a real HTTP server with scripted answers."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.server_thread import in_thread

DROP = -1  # instead of a status: close the connection without an answer
HANG = -2  # send nothing until the receiver is released
LARGE = -3  # 200 with a body of one megabyte


@dataclass(frozen=True)
class Received:
    """One received request."""

    path: str
    headers: Message
    body: bytes


@dataclass
class Receiver:
    """Stores what it receives, and returns the answers in turn; 204 when there are no more."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve_receiver() -> Iterator[Receiver]:
    """Listen on loopback until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.answers.popleft() if receiver.answers else 204
            receiver.received.append(Received(self.path, self.headers, body))
            if answer == HANG:
                receiver.released.wait()
            if answer in {DROP, HANG}:
                self.close_connection = True
                return
            self.send_response(200 if answer == LARGE else answer)
            self.send_header("Location", f"{receiver.url}/elsewhere")
            self.end_headers()
            if answer == LARGE:
                self.wfile.write(bytes(1_000_000))

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that disconnects
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    with in_thread(server):
        try:
            yield receiver
        finally:
            receiver.released.set()
