"""The sender's own rule, against a server that says what it is told to say."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.faults.sender import Answer, NoAnswerError, Sender
from tests.support.server import free_port

# What the server does to a connection instead of answering it.
CUT = 0
SILENT = -1


@contextlib.contextmanager
def scripted(*statuses: int) -> Iterator[int]:
    """Serve one connection for each of the statuses, in their order; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as silent:

        def serve() -> None:
            for status in statuses:
                connection, _ = listener.accept()
                if status == SILENT:
                    silent.enter_context(connection)
                    continue
                with connection:
                    connection.recv(65536)
                    if status != CUT:
                        connection.sendall(b"HTTP/1.1 %d It is\r\n\r\n" % status)

        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join()


def answers(port: int, *, patience: float = 15) -> list[Answer]:
    """Return what came of one delivery."""
    with Sender(port, lambda _: b"head", pause=0, patience=patience) as sender:
        sender.burst([b"body"])

    return sender.deliveries[0].answers


@pytest.mark.parametrize("status", [500, 502, 503, 599, 408, 425, 429])
def test_it_tries_three_times_more(status: int) -> None:
    """After 5xx, 408, 425 and 429; then it lets go."""
    with scripted(*[status] * 4) as port:
        assert answers(port) == [status] * 4


@pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 404, 413, 422, 499])
def test_it_tries_no_more(status: int) -> None:
    """A 2xx is what it wanted, and any other answer is final."""
    with scripted(status) as port:
        assert answers(port) == [status]


def test_a_lost_connection_is_tried_again() -> None:
    """It was there and went without an answer; an answer then ends it."""
    with scripted(CUT, CUT, 503, 204) as port:
        assert answers(port) == [NoAnswerError.LOST, NoAnswerError.LOST, 503, 204]


def test_no_connection_is_tried_again() -> None:
    """Where nobody listens, it comes three times more."""
    assert answers(free_port()) == [NoAnswerError.REFUSED] * 4


def test_an_answer_that_is_late_is_final() -> None:
    """Nobody promises that it is tried again, so we don't count on it."""
    with scripted(SILENT) as port:
        assert answers(port, patience=0.1) == [NoAnswerError.LATE]


def test_what_is_acknowledged() -> None:
    """2xx, at whichever attempt, and nothing else."""
    with scripted(503, 200, 302) as port, Sender(port, lambda _: b"head", pause=0) as sender:
        sender.burst([b"one"])
        sender.burst([b"two"])
    assert [delivery.acknowledged for delivery in sender.deliveries] == [True, False]
