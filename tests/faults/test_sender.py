"""Tests of the sender's retry rule, with a scripted server."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.faults.sender import Answer, NoAnswer, Sender
from tests.support.server import free_port

# What the server does instead of answering.
CLOSE = 0
WAIT = -1


@contextlib.contextmanager
def scripted(*statuses: int) -> Iterator[int]:
    """Yield the port of a server that answers one connection with each status, in order."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:

        def serve() -> None:
            for status in statuses:
                connection, _ = listener.accept()
                if status == WAIT:
                    stack.enter_context(connection)
                    continue
                with connection:
                    connection.recv(65536)
                    if status != CLOSE:
                        connection.sendall(b"HTTP/1.1 %d Status\r\n\r\n" % status)

        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join()


def delivery_answers(port: int, *, timeout_seconds: float = 15) -> list[Answer]:
    """Return the answers to one delivery."""
    with Sender(
        port, lambda _: b"head", pause_seconds=0, timeout_seconds=timeout_seconds
    ) as sender:
        sender.burst([b"body"])

    return sender.deliveries[0].answers


@pytest.mark.parametrize("status", [500, 502, 503, 599, 408, 425, 429])
def test_retried_statuses_are_retried_three_times(status: int) -> None:
    """The sender retries three times after 5xx, 408, 425 and 429."""
    with scripted(*[status] * 4) as port:
        assert delivery_answers(port) == [status] * 4


@pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 404, 413, 422, 499])
def test_other_statuses_are_final(status: int) -> None:
    """The sender doesn't retry after any other status."""
    with scripted(status) as port:
        assert delivery_answers(port) == [status]


def test_lost_connection_is_retried() -> None:
    """The sender retries after a lost connection until it gets a final answer."""
    with scripted(CLOSE, CLOSE, 503, 204) as port:
        assert delivery_answers(port) == [
            NoAnswer.CONNECTION_LOST,
            NoAnswer.CONNECTION_LOST,
            503,
            204,
        ]


def test_refused_connection_is_retried() -> None:
    """The sender retries three times after a refused connection."""
    assert delivery_answers(free_port()) == [NoAnswer.CONNECTION_REFUSED] * 4


def test_late_answer_is_final() -> None:
    """The sender doesn't retry after a late answer, because Twilio doesn't promise a retry."""
    with scripted(WAIT) as port:
        assert delivery_answers(port, timeout_seconds=0.1) == [NoAnswer.TIMED_OUT]


def test_only_2xx_acknowledges() -> None:
    """A delivery is acknowledged only by a 2xx, at any attempt."""
    with (
        scripted(503, 200, 302) as port,
        Sender(port, lambda _: b"head", pause_seconds=0) as sender,
    ):
        sender.burst([b"one"])
        sender.burst([b"two"])
    assert [delivery.is_acknowledged for delivery in sender.deliveries] == [True, False]
