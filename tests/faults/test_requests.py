"""The sender's side of the wire: slow, cut, lying, large, and very many at once."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.faults.callbacks import LARGEST, callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import ledger
from tests.support.faults.sender import Delivery, calling
from tests.support.server import WebServer, read_response

Wire = tuple[Deployment, WebServer]
CHUNKED = "Transfer-Encoding: chunked"
MANY = 2000


def status(response: bytes) -> int:
    """Return the status of a raw response."""
    return int(response.split(b" ", 2)[1])


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk; of no bytes, the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_slow_body_is_waited_for(wire: Wire) -> None:
    """One that trickles in, piece by piece, is as good as any, chunked or not."""
    deployment, web = wire
    for body, length in ((callback(0), None), (callback(1), CHUNKED)):
        with web.connect() as connection:
            connection.sendall(web.head_of_call(body, length=length))
            for start in range(0, len(body), 1000):
                part = body[start : start + 1000]
                connection.sendall(chunk(part) if length else part)
                time.sleep(0.05)  # how slow it is
            connection.sendall(chunk(b"") if length else b"")
            assert status(read_response(connection)) == 204
        assert body in ledger(deployment.database)


@pytest.mark.parametrize("length", [None, CHUNKED])
def test_a_body_cut_short_is_answered_503(wire: Wire, length: str | None) -> None:
    """It is the way that failed, not the sender: Twilio tries again, and nothing is stored."""
    deployment, web = wire
    body = callback(2)
    with web.connect() as connection:
        connection.sendall(web.head_of_call(body, length=length))
        connection.sendall(b"%x\r\n%s" % (len(body), body[:100]) if length else body[:100])
        connection.shutdown(socket.SHUT_WR)
        answer = read_response(connection)
    assert status(answer) == 503
    assert b"Retry-After: " in answer
    assert body not in ledger(deployment.database)


def test_a_length_that_lies(wire: Wire) -> None:
    """What is cut by its own length is another body than was signed; too long is cut short."""
    deployment, web = wire
    body = callback(3)
    for size, expected in ((len(body) - 100, 403), (len(body) + 100, 503)):
        with web.connect() as connection:
            head = web.head_of_call(body, length=f"Content-Length: {size}")
            connection.sendall(head + body)
            connection.shutdown(socket.SHUT_WR)
            assert status(read_response(connection)) == expected
    assert body not in ledger(deployment.database)
    assert web.call(body).status_code == 204
    assert body in ledger(deployment.database)


def test_the_largest_bodies_all_at_once(deployment: Deployment) -> None:
    """More of them than a worker may hold at a time: they take turns, and none is refused."""
    with deployment.serve() as web, calling(web) as sender:
        sender.burst(callback(number, size=LARGEST) for number in range(48))
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.settle("48 bodies of 1 MB at once", sender.deliveries, everything=True)


@pytest.fixture
def files() -> Iterator[None]:
    """Let this process and the service have as many open files as so many connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * MANY:
        pytest.skip(f"{hard} open files are allowed here: `ulimit -Hn {2 * MANY}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * MANY), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("files")
def test_two_thousand_callbacks_at_once(deployment: Deployment) -> None:
    """All are connected before the first is answered; each is answered in time."""
    bodies = list(map(callback, range(MANY)))
    with deployment.serve(WEB_CONCURRENCY="2") as web, ExitStack() as connected:
        sent = []
        for body in bodies:
            connection = connected.enter_context(web.connect())
            connection.sendall(web.head_of_call(body) + body)
            sent.append((body, connection, time.monotonic()))
        deliveries = [
            Delivery(body, [status(read_response(connection))], time.monotonic() - at)
            for body, connection, at in sent
        ]
    deployment.settle("2000 connections at once", deliveries)


@pytest.mark.usefixtures("files")
def test_two_thousand_idle_connections_keep_no_callback_waiting(wire: Wire) -> None:
    """Whoever opens connections and says nothing takes no place of one that does."""
    _, web = wire
    with ExitStack() as connected:
        for _ in range(MANY):
            connected.enter_context(web.connect())
        assert web.call(callback(4)).status_code == 204
