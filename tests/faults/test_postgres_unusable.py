"""Tests of a Postgres that runs and can't be used: locked, full, read-only or not migrated."""

from contextlib import ExitStack, suppress

import psycopg

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import POOLED_IN_LONG_PROFILE
from tests.support.faults.sender import Sender, make_sender
from tests.support.server import (
    WebServer,
)
from tests.support.waiting import wait_until


def wait_for_retry(web: WebServer) -> None:
    """Wait until a request has met the fault and retries."""
    wait_until(lambda: "retrying" in web.log.read_text())


def check_all_answered_204(deployment: Deployment, scenario: str, sender: Sender) -> None:
    """Check that every callback was stored and answered 204 at its first attempt."""
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored(scenario, sender.deliveries, all_stored=True)


@POOLED_IN_LONG_PROFILE
def test_locked_jobs_delay_no_other(deployment: Deployment) -> None:
    """Callbacks of locked jobs are retried, and those of other jobs are stored at once.

    There are more locked jobs than connections.
    """
    locked, others = range(16), range(100, 132)
    with (
        deployment.serve({"request_seconds": 3}, DB_POOL_SIZE="2") as web,
        make_sender(web) as sender,
        make_sender(web) as other_sender,
    ):
        sender.burst(map(callback, locked))
        with deployment.connect() as locking_connection, locking_connection.transaction():
            locking_connection.execute("SELECT FROM transcriptions FOR UPDATE")
            for number in locked:
                sender.send(callback(number + 50, id=job_id(number)))
            for number in others:
                other_sender.send(callback(number))
            other_sender.wait_for_answers()
            sender.wait_for_answers()
    assert {delivery.answers[0] for delivery in sender.deliveries[len(locked) :]} == {503}
    assert {tuple(delivery.answers) for delivery in other_sender.deliveries} == {(204,)}
    deployment.check_stored(
        "16 jobs locked, and others with two connections",
        [*sender.deliveries, *other_sender.deliveries],
        all_stored=True,
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
