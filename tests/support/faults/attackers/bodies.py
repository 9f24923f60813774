"""Requests with bodies that the service doesn't read."""

from gevent import socket

from tests.support.faults.attackers.clients import Clients, head

CHUNKS = b"1\r\nx\r\n" * 1000
BLOCK = b"x" * 1_000_000


def one_byte_chunks(clients: Clients) -> None:
    """Send bodies without an end in chunks of one byte."""
    request = head("POST", "/callbacks/transcription", "Transfer-Encoding: chunked")
    clients.run(lambda _: _send_until_closed(clients.connect(), request, CHUNKS))


def fast_bodies(clients: Clients) -> None:
    """Send bodies of 10 GB, as fast as they are taken."""
    request = head("POST", "/v3/nothing", "Content-Length: 10000000000")
    clients.run(lambda _: _send_until_closed(clients.connect(), request, BLOCK))


def _send_until_closed(connection: socket.socket, request: bytes, part: bytes) -> str:
    with connection:
        connection.sendall(request)
        while True:
            connection.sendall(part)
