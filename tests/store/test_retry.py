"""Tests of retrying: which errors are transient, and when it ends."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, SQLAlchemyError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import describe
from receiver.store.engine import make_engine
from receiver.store.retry import DatabaseUnavailableError, retry_until
from tests.support.server import free_port


def test_killed_connection_is_replaced(engine: Engine) -> None:
    """A retry uses a new connection, and the caller sees no error of the killed one."""
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        victim = connection.execution_options()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        connections = iter([victim])

        def attempt() -> int:
            connection = next(connections, None)
            if connection is not None:
                return int(connection.execute(text("SELECT 1")).scalar_one())
            with engine.connect() as fresh:
                return int(fresh.execute(text("SELECT 2")).scalar_one())

        assert retry_until(Deadline(10), attempt) == 2


def test_unavailable_database_raises_at_the_deadline() -> None:
    """If the database stays unavailable, the deadline ends the retries."""
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/none", pool_size=1)
    with pytest.raises(DatabaseUnavailableError):
        retry_until(Deadline(0.3), engine.connect)


def test_error_of_the_values_is_not_retried(engine: Engine) -> None:
    """An error that the values cause is raised at once, because a retry can't help."""
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        with engine.connect() as connection:
            connection.execute(text("SELECT 'x'::integer"))

    with pytest.raises(DataError):
        retry_until(Deadline(10), attempt)
    assert len(attempts) == 1


def test_error_description_has_no_values(engine: Engine) -> None:
    """The description of an error has its kind and none of the values."""
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as caught:
        connection.execute(text("SELECT (:secret)::integer"), {"secret": "swordfish"})
    assert "swordfish" in str(caught.value)
    assert describe(caught.value) == "InvalidTextRepresentation 22P02"
