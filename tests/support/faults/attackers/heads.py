"""Requests with large, slow or costly heads, and many connections."""

import gevent

from tests.support.environment import KEY
from tests.support.faults.attackers.authorization import basic
from tests.support.faults.attackers.clients import Clients, head, read_kept

FIELD_COUNT = 99
FIELD_BYTES = 8000
ACCEPT_LINE_COUNT = 90


def large_heads(clients: Clients) -> None:
    """Send 99 fields of 8 kB, and never the end of the head; a second after an answer, again."""
    lines = "".join(f"X-{number}: {'x' * FIELD_BYTES}\r\n" for number in range(FIELD_COUNT))
    request = b"GET /healthz HTTP/1.1\r\n" + lines.encode()

    def send(_number: int) -> str:
        try:
            return clients.exchange(request)
        finally:
            gevent.sleep(1)

    clients.run(send)


def slow_heads(clients: Clients) -> None:
    """Send one field of a head in a second, and never its end."""

    def send(_number: int) -> str:
        with clients.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
            while True:
                connection.sendall(b"X: y\r\n")
                gevent.sleep(1)

    clients.run(send)


def accept_lines(clients: Clients, *, path: str) -> None:
    """Request a transcript with 90 Accept fields of 8 kB."""
    value = ",".join(f"a/b{number};q=0.{number % 10}" for number in range(FIELD_BYTES // 14))
    lines = [f"Accept: {value}"] * ACCEPT_LINE_COUNT
    request = head("GET", path, basic(*KEY), "Connection: close", *lines)
    clients.run(lambda _: clients.exchange(request))


def busy_connections(clients: Clients) -> None:
    """Send one request after another on the same connection."""
    request = head("GET", "/healthz")

    def send(_number: int) -> str:
        with clients.connect() as connection:
            while True:
                connection.sendall(request)
                clients.answers[read_kept(connection)[0]] += 1

    clients.run(send)
