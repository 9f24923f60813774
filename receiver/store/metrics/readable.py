"""Reads one table after the other, and goes on without those that can't be read now."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from receiver.runtime.errors import describe

Result = TypeVar("Result")

# For the lock of each table. The locks of all tables together must take less than a scrape may.
_LOCK_TIMEOUT_MILLISECONDS = 100


class TableReader:
    """Reads tables, of which each may be locked, missing, or not granted to the role."""

    def __init__(self, connection: Connection) -> None:
        """Read by this connection, which must be in a transaction."""
        # Why each table couldn't be read; None if it was read.
        self.reasons: dict[str, str | None] = {}
        self._connection = connection
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MILLISECONDS}")

    def read(self, table: Table, work: Callable[[Connection], Result]) -> Result | None:
        """Return the result of `work`, which reads the table; None if it can't be read now.

        Raises DBAPIError if the connection fails.
        """
        try:
            with self._connection.begin_nested():
                result = work(self._connection)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            self.reasons[table.name] = describe(error)
            return None
        self.reasons[table.name] = None

        return result
