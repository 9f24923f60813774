"""Many clients in one process: each repeats its work, and its answers are counted."""

import re
from collections import Counter
from collections.abc import Callable

import gevent
from gevent import socket

# A client whose connection fails waits, so that the failures don't become the attack.
_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 60


class Clients:
    """The clients, and how often they got each answer: a status, or what happened instead."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.count = count
        self.answers: Counter[str] = Counter()

    def run(self, work: Callable[[int], str]) -> None:
        """Let each client repeat `work`, which receives the client's number, for ever."""
        gevent.joinall([gevent.spawn(self._repeat, work, number) for number in range(self.count)])

    def _repeat(self, work: Callable[[int], str], number: int) -> None:
        while True:
            try:
                answer = work(number)
            except OSError as error:
                answer = type(error).__name__
                gevent.sleep(_PAUSE_SECONDS)
            self.answers[answer] += 1

    def connect(self) -> socket.socket:
        """Return a connection to the service."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_SECONDS)

    def exchange(self, request: bytes) -> str:
        """Send a request on a new connection, read all of the response, and return its status."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_status(connection)


def read_status(connection: socket.socket) -> str:
    """Read until the server closes the connection, and return the response's status."""
    start = b""
    while part := connection.recv(65536):
        start = start or part

    return start[9:12].decode() or "closed"


def read_kept(connection: socket.socket) -> tuple[str, bytes]:
    """Read one response, after which the connection stays open; return its status and its bytes."""
    received = b""
    while (length := _response_bytes(received)) is None or len(received) < length:
        part = connection.recv(65536)
        if not part:
            raise ConnectionResetError
        received += part

    return received[9:12].decode(), received


def _response_bytes(received: bytes) -> int | None:
    """Return the length of the response, None if its head is incomplete."""
    head_fields, end, _ = received.partition(b"\r\n\r\n")
    if not end:
        return None
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head_fields)

    return len(head_fields) + len(end) + int(length[1] if length else 0)


def head(method: str, target: str, *lines: str) -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()
