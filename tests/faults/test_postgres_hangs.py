"""Tests of a Postgres that hangs: its kernel acknowledges packets, and no answer arrives."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import LONG_ONLY, POOLED_IN_LONG_PROFILE, Profile
from tests.support.faults.proxy import Proxy, proxy
from tests.support.faults.sender import Sender, load, make_sender
from tests.support.postgres import frozen
from tests.support.server import (
    WebServer,
    read_response,
)
from tests.support.waiting import wait_until

BEFORE_HANG = range(8)
# More than there are connections: some callbacks wait for the pool, some for the server.
DURING_HANG = range(8, 32)


def check_hanging_postgres(
    web: WebServer, sender: Sender, hanging: AbstractContextManager[None]
) -> None:
    """Send callbacks to a Postgres that hangs until they are answered, and then resumes.

    A slow body, a read request and the readiness check also end at the deadline.
    """
    with web.connect() as slow, ThreadPoolExecutor() as readers:
        sender.burst(map(callback, BEFORE_HANG))  # opens the connections that will hang
        slow.sendall(web.head_of_call(b"{}") + b"{")
        with hanging:
            for number in DURING_HANG:
                sender.send(callback(number))
            reads = readers.map(web.get, ["/healthz", "/v3/Transcriptions", "/readyz"])
            assert [read.status_code for read in reads] == [200, 503, 503]
            sender.wait_for_answers()
        first = [delivery.answers[0] for delivery in sender.deliveries]
        assert first == [204] * len(BEFORE_HANG) + [503] * len(DURING_HANG)
        answer = read_response(slow)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: " in answer


def logged_jobs(web: WebServer) -> set[str]:
    """Return the jobs whose callbacks were answered 503 at the deadline, from the log."""
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]

    return {str(line.get("job")) for line in lines if "its deadline" in line["message"]}


def count_connections(deployment: Deployment) -> int:
    """Return the number of connections to Postgres, without the caller's."""
    with deployment.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()

    return int(row[0]) if row else 0


@POOLED_IN_LONG_PROFILE
def test_frozen_postgres_loses_nothing(deployment: Deployment) -> None:
    """Each request to a frozen Postgres is answered 503 at its deadline, and nothing is lost."""
    with deployment.serve() as web, make_sender(web) as sender:
        check_hanging_postgres(web, sender, frozen(deployment.postgres.server))
        # The log names the job of each callback that was answered 503.
        assert {job_id(number) for number in DURING_HANG} <= logged_jobs(web)
        # An abandoned request keeps no connection: at most the pool's eight exist.
        wait_until(lambda: count_connections(deployment) <= 8)
    deployment.check_stored("Postgres frozen (SIGSTOP)", sender.deliveries, all_stored=True)


@contextmanager
def blocked(proxy_server: Proxy) -> Iterator[None]:
    """Stop all traffic of the proxy while the context is active."""
    proxy_server.block()
    yield
    proxy_server.resume_traffic()


@LONG_ONLY
@POOLED_IN_LONG_PROFILE
def test_silent_network_loses_nothing(deployment: Deployment) -> None:
    """A network that accepts everything and forwards nothing has the same result."""
    with proxy(deployment.port) as proxy_server:
        deployment.use_port(proxy_server.port)
        with deployment.serve() as web, make_sender(web) as sender:
            check_hanging_postgres(web, sender, blocked(proxy_server))
    deployment.check_stored("the network blocked", sender.deliveries, all_stored=True)


@POOLED_IN_LONG_PROFILE
def test_lost_connections_under_load_lose_nothing(deployment: Deployment, profile: Profile) -> None:
    """Connections that are lost at any moment under load lose no callback."""
    with proxy(deployment.port) as proxy_server:
        deployment.use_port(proxy_server.port)
        with deployment.serve() as web, load(web, profile.callbacks_per_second) as sender:
            for _ in range(profile.kill_count):
                sender.wait_for(10)
                proxy_server.disconnect()
            sender.wait_for(10)
    deployment.check_stored("connections to Postgres lost", sender.deliveries, all_stored=True)
