"""Tests of a Postgres that runs and can't be used: locked, full, read-only or not migrated."""

from contextlib import ExitStack, suppress

import psycopg

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import LONG_ONLY, POOLED_IN_LONG_PROFILE
from tests.support.faults.sender import Sender, make_sender
from tests.support.server import WebServer, wait_until


def wait_for_retry(web: WebServer) -> None:
    """Wait until a request has met the fault and retries."""
    wait_until(lambda: "retrying" in web.log.read_text())


def check_all_answered_204(deployment: Deployment, scenario: str, sender: Sender) -> None:
    """Check that every callback was stored and answered 204 at its first attempt."""
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored(scenario, sender.deliveries, all_stored=True)


@LONG_ONLY
@POOLED_IN_LONG_PROFILE
def test_locked_job_and_exhausted_pool_lose_nothing(deployment: Deployment) -> None:
    """Callbacks of a locked job, which use up all connections, are retried and stored."""
    with deployment.serve() as web, make_sender(web) as sender:
        sender.burst([callback(0)])
        with deployment.connect() as locking_connection, locking_connection.transaction():
            locking_connection.execute("SELECT FROM transcriptions FOR UPDATE")
            for number in range(1, 17):
                sender.send(callback(number, id=job_id(0)))
            for number in range(17, 33):
                sender.send(callback(number))
            sender.wait_for_answers()
        assert any(503 in delivery.answers for delivery in sender.deliveries)
    deployment.check_stored(
        "a job's row locked, the pool exhausted", sender.deliveries, all_stored=True
    )


def take_all_connections(deployment: Deployment, stack: ExitStack) -> None:
    """Open connections until the server rejects one, and keep them open."""
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(deployment.connect())


def test_callbacks_wait_for_a_connection(deployment: Deployment) -> None:
    """Callbacks wait while the server has no free connection."""
    with deployment.serve() as web, make_sender(web) as sender, ExitStack() as stack:
        take_all_connections(deployment, stack)
        for number in range(16):
            sender.send(callback(number))
        wait_for_retry(web)
    check_all_answered_204(deployment, "the server's connections exhausted", sender)


def test_callbacks_wait_while_postgres_is_read_only(deployment: Deployment) -> None:
    """Callbacks wait while the role is read-only, as on a hosted database that is full."""
    with deployment.serve() as web, make_sender(web) as sender:
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
    check_all_answered_204(deployment, "the role read-only", sender)


@POOLED_IN_LONG_PROFILE
def test_callbacks_wait_for_the_migration(deployment: Deployment) -> None:
    """Callbacks that arrive before the migration wait for it."""
    with deployment.connect() as admin:
        admin.execute("DROP SCHEMA public CASCADE")
        admin.execute("CREATE SCHEMA public")
    with deployment.serve() as web, make_sender(web) as sender:
        for number in range(16):
            sender.send(callback(number))
        wait_for_retry(web)
        deployment.migrate()
    check_all_answered_204(deployment, "the schema missing, then migrated", sender)
