"""Postgres is there and doesn't do it: locked, full, read-only or not migrated."""

from contextlib import ExitStack, suppress

import psycopg

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.forms import BOTH_WAYS_AT_LENGTH, LONG_ONLY
from tests.support.faults.sender import Sender, calling
from tests.support.server import WebServer, wait_until


def wait_until_it_tries_again(web: WebServer) -> None:
    """Wait until a request has met the fault."""
    wait_until(lambda: "retrying" in web.log.read_text())


def settle_without_one_refusal(deployment: Deployment, scenario: str, sender: Sender) -> None:
    """Hold that what passed within the deadline was no reason to burn one of the four tries."""
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.settle(scenario, sender.deliveries, everything=True)


@LONG_ONLY
@BOTH_WAYS_AT_LENGTH
def test_a_jobs_row_is_locked_and_the_pool_exhausted(deployment: Deployment) -> None:
    """Its callbacks hold every connection, so that others wait too; all of them are sent again."""
    with deployment.serve() as web, calling(web) as sender:
        sender.burst([callback(0)])
        with deployment.connect() as holder, holder.transaction():
            holder.execute("SELECT FROM transcriptions FOR UPDATE")
            for number in range(1, 17):
                sender.send(callback(number, id=job_id(0)))
            for number in range(17, 33):
                sender.send(callback(number))
            sender.wait_for_answers()
        assert any(503 in delivery.answers for delivery in sender.deliveries)
    deployment.settle("a job's row locked, the pool exhausted", sender.deliveries, everything=True)


def take_all_connections(deployment: Deployment, held: ExitStack) -> None:
    """Connect until the server refuses, and hold what was got."""
    with suppress(psycopg.OperationalError):
        while True:
            held.enter_context(deployment.connect())


def test_the_servers_connections_are_exhausted(deployment: Deployment) -> None:
    """Until there is one again, callbacks wait."""
    with deployment.serve() as web, calling(web) as sender, ExitStack() as held:
        take_all_connections(deployment, held)
        for number in range(16):
            sender.send(callback(number))
        wait_until_it_tries_again(web)
    settle_without_one_refusal(deployment, "the server's connections exhausted", sender)


def test_the_role_is_read_only_for_a_while(deployment: Deployment) -> None:
    """A hosted database out of its plan's room does that; it says so at each write."""
    with deployment.serve() as web, calling(web) as sender:
        sender.burst(map(callback, range(8)))
        with deployment.connect() as admin:
            admin.execute("ALTER ROLE postgres SET default_transaction_read_only = on")
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            for number in range(8, 24):
                sender.send(callback(number))
            wait_until(lambda: "ReadOnly" in web.log.read_text())
            admin.execute("ALTER ROLE postgres SET default_transaction_read_only = off")
    settle_without_one_refusal(deployment, "the role read-only", sender)


@BOTH_WAYS_AT_LENGTH
def test_the_schema_comes_later(deployment: Deployment) -> None:
    """What arrives before the release has migrated waits for it."""
    with deployment.connect() as admin:
        admin.execute("DROP SCHEMA public CASCADE")
        admin.execute("CREATE SCHEMA public")
    with deployment.serve() as web, calling(web) as sender:
        for number in range(16):
            sender.send(callback(number))
        wait_until_it_tries_again(web)
        deployment.migrate()
    settle_without_one_refusal(deployment, "the schema missing, then migrated", sender)
