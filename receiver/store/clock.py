"""The database's clock: times that are stored and compared come from it, not from a host.

Several hosts write to the same tables, and one wrong clock could stop polls and scans for years.
"""

import time
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, select

from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.retry import query

# A host's monotonic clock doesn't count the time while the host is suspended.
_MAX_AGE_SECONDS = 60.0


def database_now(connection: Connection) -> datetime:
    """Return the database's time."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()

    return now


class DatabaseClock:
    """The database's clock, which is read once a minute. Between two readings its time is measured.

    It is not thread-safe.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: tuple[datetime, float] | None = None  # and the monotonic time then

    def __call__(self) -> datetime:
        """Return the time; raises receiver.store.retry.DatabaseUnavailableError."""
        if self._reading is None or time.monotonic() > self._reading[1] + _MAX_AGE_SECONDS:
            now = query(self._engine, Deadline(REQUEST_SECONDS), database_now)
            self._reading = now, time.monotonic()
        moment, read_at = self._reading

        return moment + timedelta(seconds=time.monotonic() - read_at)
