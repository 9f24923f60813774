"""The connections: what each of them is told, and what an error of theirs doesn't tell."""

import gc
import socket
import uuid
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DataError, OperationalError

from dev.postgres import Server
from receiver.runtime.deadline import Deadline
from receiver.store.engine import make_engine, transactional
from receiver.store.event import Outcome
from receiver.store.ledger.record import record
from receiver.store.retry import retry_until
from tests.support.environment import open_engine
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.store_events import make_event

EVENT = make_event({"status": "COMPLETED"})

SETTINGS = {
    "TimeZone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "client_connection_check_interval": "250ms",
    "idle_in_transaction_session_timeout": "15s",
}


def test_every_connection_has_its_settings(engine: Engine) -> None:
    """The server tidies up after us, in autocommit and in transactions alike."""
    for one in (engine, transactional(engine)):
        with one.connect() as connection:
            shown = {name: connection.execute(text(f"SHOW {name}")).scalar() for name in SETTINGS}
        assert shown == SETTINGS


@pytest.mark.own_database
@pytest.mark.parametrize(
    ("theirs", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_a_commit_waits_for_the_disk(engine: Engine, theirs: str, ours: str) -> None:
    """Where the database would not have it so we do; a stronger promise is left as it is."""
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {theirs}"))
    engine.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == ours


def test_only_what_records_is_prepared(engine: Engine) -> None:
    """The plan of a query with filters is better made for their values, each time."""
    with engine.connect() as connection:
        for _ in range(10):
            connection.execute(text("SELECT 1"))
    record(engine, EVENT)
    with engine.connect() as connection:
        [prepared] = connection.execute(text("SELECT statement FROM pg_prepared_statements"))
    assert "INSERT INTO transcriptions" in prepared.statement


def test_nothing_is_prepared_behind_a_pooler(
    engine: Engine, postgres: Server, postgres_folder: Path
) -> None:
    """In transaction mode a prepared statement would be another session's."""
    folder = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
    with pgbouncer(postgres, folder) as reached:
        url = engine.url.set(port=make_url(reached).port)
        with open_engine(url.render_as_string(hide_password=False)) as pooled:
            record(pooled, EVENT)
            with pooled.connect() as connection:
                prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
                assert prepared.scalar() == 0


def test_the_pool_is_fixed(engine: Engine) -> None:
    """What a worker may take of the database's connections is what DB_POOL_SIZE says."""
    pool = engine.pool
    assert (pool.size(), pool._max_overflow) == (8, 0)  # type: ignore[attr-defined] # noqa: SLF001 - a QueuePool's


def test_a_read_only_server_is_left(engine: Engine) -> None:
    """After a failover the next try is made on a fresh connection, which finds the new primary."""
    with engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))
    assert retry_until(Deadline(10), lambda: record(engine, EVENT)).outcome == Outcome.APPLIED


def test_a_connection_that_was_not_made_is_closed() -> None:
    """A server that accepts and says nothing keeps no socket of ours once we have given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = make_engine(f"postgresql://nobody@127.0.0.1:{port}/none", pool_size=1)
        gc.disable()
        try:
            with pytest.raises(OperationalError):
                engine.connect()
            ours = psutil.Process().net_connections()
        finally:
            gc.enable()
    assert not [each for each in ours if each.raddr and each.raddr.port == port]


def test_an_error_shows_no_values(engine: Engine) -> None:
    """SQLAlchemy's part of an error's text leaves out what was sent with the statement."""
    with engine.connect() as connection, pytest.raises(DataError) as caught:
        connection.execute(text("SELECT (:n)::integer / (:secret)::integer"), {"n": 1, "secret": 0})
    assert "hidden" in str(caught.value)
