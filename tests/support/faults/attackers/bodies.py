"""Requests with bodies that the service doesn't read."""

from gevent import socket

from tests.support.faults.attackers.clients import Clients, head

CHUNKS = b"1\r\nx\r\n" * 1000
BLOCK = b"x" * 1_000_000
FORM_BYTES = 64 * 1024


def one_byte_chunks(clients: Clients) -> None:
    """Send bodies without an end in chunks of one byte."""
    request = head("POST", "/callbacks/transcription", "Transfer-Encoding: chunked")
    clients.run(lambda _: _send_until_closed(clients.connect(), request, CHUNKS))


def fast_bodies(clients: Clients) -> None:
    """Send bodies of 10 GB, as fast as they are taken."""
    request = head("POST", "/v3/nothing", "Content-Length: 10000000000")
    clients.run(lambda _: _send_until_closed(clients.connect(), request, BLOCK))


def forms(clients: Clients) -> None:
    """Send the largest forms, with wrong signatures."""
    body = b"a=b&" * (FORM_BYTES // 4)
    request = _form_head(FORM_BYTES) + body
    clients.run(lambda _: clients.exchange(request))


def silent_forms(clients: Clients) -> None:
    """Send heads of forms with one byte, and never this byte."""
    clients.run(lambda _: clients.exchange(_form_head(1)))


def _form_head(length: int) -> bytes:
    return head(
        "POST",
        "/callbacks/transcription",
        "Content-Type: application/x-www-form-urlencoded",
        "X-Twilio-Signature: wrong",
        f"Content-Length: {length}",
        "Connection: close",
    )


def _send_until_closed(connection: socket.socket, request: bytes, part: bytes) -> str:
    with connection:
        connection.sendall(request)
        while True:
            connection.sendall(part)
