"""Postgres hangs instead of failing: its kernel acknowledges, and no answer ever comes."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.forms import BOTH_WAYS_AT_LENGTH, LONG_ONLY, Form
from tests.support.faults.proxy import Proxy, proxy
from tests.support.faults.sender import Sender, calling, load
from tests.support.postgres import frozen
from tests.support.server import WebServer, read_response, wait_until

FEW = range(8)
# More than there are connections: some wait for the pool, some for the server.
MANY = range(8, 32)


def hang(web: WebServer, sender: Sender, hanging: AbstractContextManager[None]) -> None:
    """Let callbacks meet a Postgres that hangs until they are answered, and then one that is back.

    A slow body, reading and readiness meet it too: each ends at the deadline.
    """
    with web.connect() as slow, ThreadPoolExecutor() as readers:
        sender.burst(map(callback, FEW))  # there are connections to freeze
        slow.sendall(web.head_of_call(b"{}") + b"{")
        with hanging:
            for number in MANY:
                sender.send(callback(number))
            reads = readers.map(web.get, ["/healthz", "/v3/Transcriptions", "/readyz"])
            assert [read.status_code for read in reads] == [200, 503, 503]
            sender.wait_for_answers()
        first = [delivery.answers[0] for delivery in sender.deliveries]
        assert first == [204] * len(FEW) + [503] * len(MANY)
        answer = read_response(slow)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: " in answer


def jobs_in_the_log(web: WebServer) -> set[str]:
    """Return the jobs whose callbacks were sent back at the deadline."""
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]

    return {str(line.get("job")) for line in lines if "its deadline" in line["message"]}


def connections(deployment: Deployment) -> int:
    """Return how many connections there are but our own."""
    with deployment.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()

    return int(row[0]) if row else 0


@BOTH_WAYS_AT_LENGTH
def test_it_is_frozen(deployment: Deployment) -> None:
    """Each request ends at its deadline with 503, and nothing is lost after."""
    with deployment.serve() as web, calling(web) as sender:
        hang(web, sender, frozen(deployment.postgres.server))
        # The log names what was sent back, until it comes again.
        assert {job_id(number) for number in MANY} <= jobs_in_the_log(web)
        # What was given up holds no connection: there are the pool's eight at most.
        wait_until(lambda: connections(deployment) <= 8)
    deployment.settle("Postgres frozen (SIGSTOP)", sender.deliveries, everything=True)


@contextmanager
def silent(between: Proxy) -> Iterator[None]:
    """Let the proxy pass nothing on until the block ends."""
    between.fall_silent()
    yield
    between.speak()


@LONG_ONLY
@BOTH_WAYS_AT_LENGTH
def test_what_is_between_falls_silent(deployment: Deployment) -> None:
    """A router that takes everything and passes nothing on is no different."""
    with proxy(deployment.port) as between:
        deployment.reach_through(between.port)
        with deployment.serve() as web, calling(web) as sender:
            hang(web, sender, silent(between))
    deployment.settle("the network silent", sender.deliveries, everything=True)


@BOTH_WAYS_AT_LENGTH
def test_connections_are_cut_under_load(deployment: Deployment, form: Form) -> None:
    """A router that forgets its connections, between any two bytes, loses nothing."""
    with proxy(deployment.port) as between:
        deployment.reach_through(between.port)
        with deployment.serve() as web, load(web, form.rate) as sender:
            for _ in range(form.kills):
                sender.wait_for(10)
                between.cut()
            sender.wait_for(10)
    deployment.settle("connections to Postgres cut", sender.deliveries, everything=True)
