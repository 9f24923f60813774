"""Tests of the client's faults: slow, incomplete, large and very many requests."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.faults.callbacks import LARGEST_BYTES, callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import stored_bodies
from tests.support.faults.sender import Delivery, make_sender
from tests.support.server import WebServer, read_response

SharedService = tuple[Deployment, WebServer]
CHUNKED = "Transfer-Encoding: chunked"
CONNECTION_COUNT = 2000


def status(response: bytes) -> int:
    """Return the status of a raw response."""
    return int(response.split(b" ", 2)[1])


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk; the empty chunk is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_slow_body_is_accepted(shared_service: SharedService) -> None:
    """A body that arrives slowly and in pieces is accepted, chunked or not."""
    deployment, web = shared_service
    for body, length in ((callback(0), None), (callback(1), CHUNKED)):
        with web.connect() as connection:
            connection.sendall(web.head_of_call(body, length=length))
            for start in range(0, len(body), 1000):
                part = body[start : start + 1000]
                connection.sendall(chunk(part) if length else part)
                time.sleep(0.05)  # between two pieces
            connection.sendall(chunk(b"") if length else b"")
            assert status(read_response(connection)) == 204
        assert body in stored_bodies(deployment.database)


@pytest.mark.parametrize("length", [None, CHUNKED])
def test_incomplete_body_is_answered_503(shared_service: SharedService, length: str | None) -> None:
    """An incomplete body is answered 503, because Twilio then retries, and isn't stored."""
    deployment, web = shared_service
    body = callback(2)
    with web.connect() as connection:
        connection.sendall(web.head_of_call(body, length=length))
        connection.sendall(b"%x\r\n%s" % (len(body), body[:100]) if length else body[:100])
        connection.shutdown(socket.SHUT_WR)
        answer = read_response(connection)
    assert status(answer) == 503
    assert b"Retry-After: " in answer
    assert body not in stored_bodies(deployment.database)


def test_wrong_content_length_is_rejected(shared_service: SharedService) -> None:
    """A too small Content-Length is answered 403, a too large one 503, and nothing is stored."""
    deployment, web = shared_service
    body = callback(3)
    for size, expected in ((len(body) - 100, 403), (len(body) + 100, 503)):
        with web.connect() as connection:
            head = web.head_of_call(body, length=f"Content-Length: {size}")
            connection.sendall(head + body)
            connection.shutdown(socket.SHUT_WR)
            assert status(read_response(connection)) == expected
    assert body not in stored_bodies(deployment.database)
    assert web.call(body).status_code == 204
    assert body in stored_bodies(deployment.database)


def test_concurrent_large_bodies_are_accepted(deployment: Deployment) -> None:
    """More large bodies than fit into a worker's memory budget wait for each other."""
    with deployment.serve() as web, make_sender(web) as sender:
        sender.burst(callback(number, size=LARGEST_BYTES) for number in range(48))
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored("48 bodies of 1 MB at once", sender.deliveries, all_stored=True)


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """Allow this process and the service enough open files for the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * CONNECTION_COUNT:
        pytest.skip(f"{hard} open files are allowed here: `ulimit -Hn {2 * CONNECTION_COUNT}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * CONNECTION_COUNT), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_open_files")
def test_two_thousand_concurrent_callbacks_are_stored(deployment: Deployment) -> None:
    """Callbacks on 2000 concurrent connections are all stored and answered in time."""
    bodies = list(map(callback, range(CONNECTION_COUNT)))
    with deployment.serve(WEB_CONCURRENCY="2") as web, ExitStack() as stack:
        sent = []
        for body in bodies:
            connection = stack.enter_context(web.connect())
            connection.sendall(web.head_of_call(body) + body)
            sent.append((body, connection, time.monotonic()))
        deliveries = [
            Delivery(body, [status(read_response(connection))], time.monotonic() - sent_at)
            for body, connection, sent_at in sent
        ]
    deployment.check_stored("2000 connections at once", deliveries)


@pytest.mark.usefixtures("many_open_files")
def test_idle_connections_do_not_delay_callbacks(
    shared_service: SharedService,
) -> None:
    """Two thousand idle connections don't delay a callback."""
    _, web = shared_service
    with ExitStack() as stack:
        for _ in range(CONNECTION_COUNT):
            stack.enter_context(web.connect())
        assert web.call(callback(4)).status_code == 204
