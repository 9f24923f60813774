"""Tests of the connections: their settings, what is prepared, and errors without values."""

import gc
import socket
import uuid
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DataError, OperationalError

from dev.postgres import Server
from receiver.runtime.deadline import Deadline
from receiver.store.engine import make_engine, session_statements, transactional
from receiver.store.event import Outcome
from receiver.store.ledger.record import record
from receiver.store.retry import retry_until
from tests.support.environment import open_engine
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.store_events import make_event, stored_row

EVENT = make_event({"status": "COMPLETED"})

SETTINGS = {
    "TimeZone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "client_connection_check_interval": "250ms",
    "idle_in_transaction_session_timeout": "15s",
}


def test_connections_have_their_settings(engine: Engine) -> None:
    """Every connection has these settings, in autocommit and in transactions."""
    for tested_engine in (engine, transactional(engine)):
        with tested_engine.connect() as connection:
            values = {name: connection.execute(text(f"SHOW {name}")).scalar() for name in SETTINGS}
        assert values == SETTINGS


@pytest.mark.own_database
@pytest.mark.parametrize(
    ("database_value", "effective_value"),
    [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")],
)
def test_commit_waits_for_the_disk(
    engine: Engine, database_value: str, effective_value: str
) -> None:
    """A commit waits for the disk, and a stronger setting of the database is kept."""
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {database_value}"))
    engine.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == effective_value


def _change_styles(engine: Engine) -> None:
    """Change the styles in which the database writes times, for its next sessions."""
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        for setting, value in (("datestyle", "SQL, DMY"), ("intervalstyle", "iso_8601")):
            connection.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    engine.dispose()


@pytest.mark.own_database
def test_styles_of_the_database_do_not_matter(engine: Engine) -> None:
    """Times are read whatever DateStyle and IntervalStyle the database has."""
    _change_styles(engine)
    record(engine, EVENT)
    record(engine, make_event({"status": "RUNNING"}, minutes=-1))
    assert stored_row(engine)["ended_at"] == EVENT.received_at
    with engine.connect() as connection:
        hour = text("SELECT interval '1 hour'")
        assert connection.execute(hour).scalar() == timedelta(hours=1)


@pytest.mark.own_database
def test_styles_do_not_matter_behind_a_pooler(
    engine: Engine, postgres: Server, postgres_folder: Path
) -> None:
    """Times are read over every session of a pooler, also over one that another client opened."""
    _change_styles(engine)
    folder = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
    now = text("SELECT now()")
    with pgbouncer(postgres, folder) as pooler_url:
        pooled = engine.url.set(drivername="postgresql", port=make_url(pooler_url).port)
        url = pooled.render_as_string(hide_password=False)
        with open_engine(url) as one, open_engine(url) as two, psycopg.connect(url) as foreign:
            foreign.execute("SELECT 1")  # the pooler's first session, until the transaction ends
            with one.connect() as connection:
                connection.execute(now)
            with transactional(two).begin() as holder:
                holder.execute(now)
                foreign.rollback()
                for _ in range(3):
                    with one.connect() as connection:
                        assert connection.execute(now).scalar()


def test_only_the_write_is_prepared(engine: Engine) -> None:
    """The write of an event is prepared; a query with filters is planned for its values."""
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
    """Nothing is prepared behind a pooler, where the statement would be another session's."""
    folder = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
    with pgbouncer(postgres, folder) as pooler_url:
        url = engine.url.set(port=make_url(pooler_url).port)
        with open_engine(url.render_as_string(hide_password=False)) as pooled:
            record(pooled, EVENT)
            with pooled.connect() as connection:
                prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
                assert prepared.scalar() == 0


def test_session_of_an_old_server_needs_no_newer_function() -> None:
    """A session begins on Postgres 14 too, so that `migrate` can say that it is too old."""
    assert "has_parameter_privilege" in session_statements(150000)
    assert "has_parameter_privilege" not in session_statements(140018)


def test_pool_has_a_fixed_size(engine: Engine) -> None:
    """The pool has DB_POOL_SIZE connections and no overflow."""
    pool = engine.pool
    assert (pool.size(), pool._max_overflow) == (8, 0)  # type: ignore[attr-defined] # noqa: SLF001 - QueuePool has no accessor


def test_read_only_server_is_replaced(engine: Engine) -> None:
    """After a failover, a retry uses a new connection, which reaches the new primary."""
    with engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))
    assert retry_until(Deadline(10), lambda: record(engine, EVENT)).outcome == Outcome.APPLIED


def test_failed_connection_is_closed() -> None:
    """The socket is closed after connecting to a server that never responds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine = make_engine(f"postgresql://nobody@127.0.0.1:{port}/none", pool_size=1)
        gc.disable()
        try:
            with pytest.raises(OperationalError):
                engine.connect()
            open_sockets = psutil.Process().net_connections()
        finally:
            gc.enable()
    assert not [each for each in open_sockets if each.raddr and each.raddr.port == port]


def test_error_hides_the_values(engine: Engine) -> None:
    """The text of an SQLAlchemy error hides the values that were sent with the statement."""
    with engine.connect() as connection, pytest.raises(DataError) as caught:
        connection.execute(text("SELECT (:n)::integer / (:secret)::integer"), {"n": 1, "secret": 0})
    assert "hidden" in str(caught.value)


@pytest.mark.own_database
def test_timeouts_of_idle_sessions_and_of_transactions_are_off(engine: Engine) -> None:
    """The database's own timeouts for them end neither the pool's connections nor a migration.

    The second one exists since Postgres 17.
    """
    names = ["idle_session_timeout"]
    with engine.connect() as connection:
        database = connection.execute(text("SELECT current_database()")).scalar_one()
        if connection.dialect.server_version_info >= (17,):  # type: ignore[operator]
            names.append("transaction_timeout")
        for name in names:
            connection.execute(text(f"ALTER DATABASE {database} SET {name} = '5s'"))
    engine.dispose()
    with engine.connect() as connection:
        assert [connection.execute(text(f"SHOW {name}")).scalar() for name in names] == [
            "0" for _ in names
        ]
