"""Tests of connections whose statement is given up, or isn't confirmed by a standby."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from dev.postgres import Server
from receiver.runtime.deadline import Deadline
from receiver.store.engine import make_engine
from receiver.store.event import Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.migrate import migrate
from receiver.store.pooled_connection import BudgetError, NotReplicatedError
from tests.support.standby import cancel_waiting_commits, count_waiting_commits, missing_standby
from tests.support.store_events import ledger_rows, make_event
from tests.support.waiting import wait_until

EVENT = make_event({"status": "COMPLETED"}, minutes=1)


@pytest.fixture
def own_engine(own_postgres: Server) -> Iterator[Engine]:
    """Yield an engine with two connections to a database of its own server."""
    engine = make_engine(own_postgres.url(), pool_size=2)
    migrate(engine, report=lambda _: None)
    yield engine
    engine.dispose()


def _cancel_commit(url: str, work: Callable[[], object]) -> BaseException | None:
    """Return the exception of a commit that waits for a standby until it is canceled."""
    with ThreadPoolExecutor(1) as pool:
        committing = pool.submit(work)
        wait_until(lambda: count_waiting_commits(url) == 1)
        cancel_waiting_commits(url)

        return committing.exception(30)


@pytest.mark.own_database
def test_commit_that_no_standby_confirmed_has_failed(
    own_postgres: Server, own_engine: Engine
) -> None:
    """A canceled wait for a standby is an error, although Postgres reports success with a warning.

    The events are recorded by a statement, by a transaction, and as quarantined.
    """
    url = own_postgres.url()
    quarantined = make_event({"status": "FAILED"}).quarantined("invalid", "For the test.")
    # A transaction records an event that is only validated again.
    for event in (EVENT, replace(EVENT, deliveries=0, sha256=bytes(32)), quarantined):
        with missing_standby(url):
            error = _cancel_commit(url, partial(record, own_engine, event))
        assert isinstance(error, OperationalError)
        assert isinstance(error.orig, NotReplicatedError)
    # They are committed here, and a retry succeeds once there is no standby to wait for.
    assert len(ledger_rows(own_engine)) == 3
    recorded = record_or_quarantine(partial(record, own_engine), EVENT, Deadline(10))
    assert recorded.outcome == Outcome.APPLIED


def test_given_up_statement_keeps_its_place(engine: Engine, migrated: str) -> None:
    """A connection that is closed during a statement is replaced only after the statement ended."""
    sleeping = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    one_connection = make_engine(migrated, pool_size=1)
    with engine.connect() as admin:
        with one_connection.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.pgconn.send_query(b"SELECT pg_sleep(600)")
            wait_until(lambda: admin.execute(sleeping).scalar() == 1)
            connection.invalidate()
        with one_connection.connect():
            assert admin.execute(sleeping).scalar() == 0
    one_connection.dispose()


def test_no_connection_beyond_the_budget(migrated: str) -> None:
    """A pool whose connections are all in use opens no other one."""
    one_connection = make_engine(migrated, pool_size=1)
    with one_connection.connect() as connection:
        connection.detach()
        with pytest.raises(OperationalError) as caught:
            one_connection.connect()
        assert isinstance(caught.value.orig, BudgetError)
    assert record(one_connection, EVENT).outcome == Outcome.APPLIED
    one_connection.dispose()
