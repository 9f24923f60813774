"""Trying again, and when not to."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, SQLAlchemyError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import describe
from receiver.store.engine import make_engine
from receiver.store.retry import DatabaseUnavailableError, retry_until
from tests.support.server import free_port


def test_a_killed_connection_is_replaced(engine: Engine) -> None:
    """The next try gets a fresh connection, and the caller hears nothing of the first."""
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        victim = connection.execution_options()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        connections = iter([victim])

        def attempt() -> int:
            found = next(connections, None)
            if found is not None:
                return int(found.execute(text("SELECT 1")).scalar_one())
            with engine.connect() as fresh:
                return int(fresh.execute(text("SELECT 2")).scalar_one())

        assert retry_until(Deadline(10), attempt) == 2


def test_a_database_that_stays_away_is_unavailable() -> None:
    """Where nobody listens, the deadline ends it."""
    engine = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/none", pool_size=1)
    with pytest.raises(DatabaseUnavailableError):
        retry_until(Deadline(0.3), engine.connect)


def test_a_fault_of_the_values_is_not_tried_again(engine: Engine) -> None:
    """It would come back for ever; it goes to the caller at once."""
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        with engine.connect() as connection:
            connection.execute(text("SELECT 'x'::integer"))

    with pytest.raises(DataError):
        retry_until(Deadline(10), attempt)
    assert len(attempts) == 1


def test_an_error_is_named_without_its_values(engine: Engine) -> None:
    """What is logged of an error says its kind, and nothing of what was sent."""
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as caught:
        connection.execute(text("SELECT (:secret)::integer"), {"secret": "swordfish"})
    assert "swordfish" in str(caught.value)
    assert describe(caught.value) == "InvalidTextRepresentation 22P02"
