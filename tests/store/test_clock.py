"""Tests of the database's clock."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from receiver.store.clock import DatabaseClock, database_now
from receiver.store.retry import DatabaseUnavailableError
from tests.support.environment import ENVIRON, open_engine


def test_clock_follows_the_database(engine: Engine) -> None:
    """The clock returns the database's time, and goes on between two readings."""
    clock = DatabaseClock(engine)
    with engine.connect() as connection:
        before = database_now(connection)
        times = [clock() for _ in range(3)]
        after = database_now(connection)
    # The two clocks may drift apart a little.
    tolerance = timedelta(milliseconds=100)
    assert before - tolerance <= times[0] <= times[1] <= times[2] <= after + tolerance


def test_clock_needs_the_database_at_first() -> None:
    """Without the database there is no time: the host's clock doesn't replace it."""
    with open_engine(ENVIRON["DATABASE_URL"]) as engine, pytest.raises(DatabaseUnavailableError):
        DatabaseClock(engine)()
