"""Tests of the limits for the head of a request, on a pair of connected sockets."""

import socket
from collections.abc import Iterator

import gevent
import pytest
from gunicorn.http.errors import LimitRequestHeaders  # type: ignore[import-untyped]

from receiver.gunicorn.connection import MAX_HEAD_BYTES, Connection

SOON_SECONDS, LATE_SECONDS = 0.05, 60.0


@pytest.fixture
def client_and_connection() -> Iterator[tuple[socket.socket, Connection]]:
    """Yield a client's socket, and the server's end of the connection."""
    client, accepted = socket.socketpair()
    connection = Connection(accepted.family, accepted.type, accepted.proto, accepted.detach())
    with client, connection:
        yield client, connection


def read_all(connection: Connection) -> bytes:
    """Receive until the end."""
    received = b""
    while data := connection.recv(8192):
        received += data

    return received


def test_head_that_does_not_begin_ends_the_wait(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """A connection that sends nothing waits for the idle time only."""
    _, connection = client_and_connection
    is_read = False
    with connection.receive_head(idle_seconds=SOON_SECONDS, head_seconds=LATE_SECONDS):
        read_all(connection)
        is_read = True
    assert not is_read


def test_head_that_does_not_end_ends_the_wait(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """A head that has begun has its own, shorter time."""
    client, connection = client_and_connection
    client.sendall(b"GET / HTTP/1.1\r\n")
    is_read = False
    with connection.receive_head(idle_seconds=LATE_SECONDS, head_seconds=SOON_SECONDS):
        read_all(connection)
        is_read = True
    assert not is_read


def test_head_has_a_largest_size(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """A head may have MAX_HEAD_BYTES, and what follows it isn't limited."""
    client, connection = client_and_connection
    head = b"x" * MAX_HEAD_BYTES
    limits = {"idle_seconds": LATE_SECONDS, "head_seconds": LATE_SECONDS}
    client.sendall(head)
    with connection.receive_head(**limits):
        assert sum(len(connection.recv(8192)) for _ in range(MAX_HEAD_BYTES // 8192)) == len(head)
    client.sendall(head)
    assert sum(len(connection.recv(8192)) for _ in range(MAX_HEAD_BYTES // 8192)) == len(head)
    client.sendall(head + b"x")
    with pytest.raises(LimitRequestHeaders), connection.receive_head(**limits):
        read_all(connection)


def test_input_that_has_arrived_is_read_before_the_end(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """After `end_input`, what has arrived is received, and then the end."""
    client, connection = client_and_connection
    client.sendall(b"a request")
    connection.end_input()
    assert read_all(connection) == b"a request"


def test_waiting_greenlet_reads_the_end(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """A greenlet that waits for input gets the end of it at `end_input`, and no error."""
    _, connection = client_and_connection
    reading = gevent.spawn(read_all, connection)
    gevent.sleep(0)
    connection.end_input()
    assert reading.get(timeout=LATE_SECONDS) == b""


@pytest.mark.parametrize("size_bytes", [0, 1, 1_000_000])
def test_response_arrives_whole(
    client_and_connection: tuple[socket.socket, Connection], size_bytes: int
) -> None:
    """Responses that fit into the socket's buffer and others arrive whole, and in their order."""
    client, connection = client_and_connection
    responses = [bytes([number]) * size_bytes for number in range(3)]

    def send() -> None:
        for response in responses:
            connection.sendall(response)
        connection.shutdown(socket.SHUT_WR)

    sender = gevent.spawn(send)
    receiver = Connection(client.family, client.type, client.proto, client.detach())
    with receiver:
        assert read_all(receiver) == b"".join(responses)
    sender.get(timeout=LATE_SECONDS)
    assert not connection.sending


def test_abort_ends_a_response_that_is_not_received(
    client_and_connection: tuple[socket.socket, Connection],
) -> None:
    """A connection is listed while it sends, and `abort` ends it with an error."""
    _, connection = client_and_connection
    errors: list[type[OSError]] = []

    def send() -> None:
        try:
            connection.sendall(b"x" * 10_000_000)
        except OSError as error:
            errors.append(type(error))

    sender = gevent.spawn(send)
    while connection not in connection.sending:
        gevent.sleep(0)
    connection.abort()
    sender.join(30)
    assert errors == [ConnectionResetError]
    assert not connection.sending
