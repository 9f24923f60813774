"""Tests of the bounded connection: a server that falls silent doesn't hang a command."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from dev.postgres import Server
from receiver.runtime.errors import describe
from receiver.store.bounded_connection import long_statements
from receiver.store.engine import transactional
from tests.support.environment import open_engine
from tests.support.faults.proxy import Proxy, proxy

TIMEOUT_SECONDS = 0.2
SLOW = text("SELECT pg_sleep(0.6)")  # several times the timeout


@pytest.fixture
def proxied(postgres: Server) -> Iterator[tuple[Engine, Proxy]]:
    """Yield an engine that connects through a proxy, and the proxy."""
    with proxy(postgres.port) as between:
        url = make_url(postgres.url()).set(port=between.port)
        address = url.render_as_string(hide_password=False)
        with open_engine(address, answer_timeout_seconds=TIMEOUT_SECONDS) as engine:
            yield engine, between


def test_silent_server_ends_in_an_error(proxied: tuple[Engine, Proxy]) -> None:
    """A statement without an answer fails with a clear text, and the next connection works."""
    engine, between = proxied
    with engine.connect() as connection:
        between.block()
        with pytest.raises(OperationalError) as failed:
            connection.execute(text("SELECT 1"))
        assert describe(failed.value).startswith("no answer within 0.")
        assert connection.invalidated
    between.resume_traffic()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 2")).scalar() == 2


def test_transaction_on_a_silent_server_ends_in_an_error(proxied: tuple[Engine, Proxy]) -> None:
    """The rollback after the failed statement doesn't wait for the server again."""
    engine, between = proxied

    def use(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        between.block()
        connection.execute(text("SELECT 1"))

    with pytest.raises(OperationalError), transactional(engine).begin() as begun:
        use(begun)


def test_slow_statement_fails(postgres: Server) -> None:
    """A statement that takes longer than the timeout fails, although the server is healthy."""
    with (
        open_engine(postgres.url(), answer_timeout_seconds=TIMEOUT_SECONDS) as engine,
        engine.connect() as connection,
        pytest.raises(OperationalError),
    ):
        connection.execute(SLOW)


def test_long_statement_may_take_longer(postgres: Server) -> None:
    """A long statement succeeds as long as the server works on it; the next one is limited."""
    with (
        open_engine(postgres.url(), answer_timeout_seconds=TIMEOUT_SECONDS) as engine,
        transactional(engine).connect() as connection,
    ):
        with long_statements(connection):
            connection.execute(SLOW)
        with pytest.raises(OperationalError):
            connection.execute(SLOW)


def test_lost_long_statement_fails(proxied: tuple[Engine, Proxy]) -> None:
    """A long statement fails if the server answers repeatedly that it isn't working on it."""
    engine, between = proxied
    with engine.connect() as connection, long_statements(connection):
        between.block_open_connections()
        with pytest.raises(OperationalError):
            connection.execute(SLOW)
