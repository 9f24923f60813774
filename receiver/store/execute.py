"""Executes statements without SQLAlchemy's cursors, which cost as much as the driver's own work."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from receiver.store.sqlstate import READ_ONLY, STALE_PLAN, UNDEFINED_TABLE


def execute_prepared(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[TupleRow]:
    """Execute one statement in one round trip, on a connection in autocommit; return its rows.

    The statement is prepared if the connection is direct. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    with _driver_of(connection) as driver:
        return driver.execute(statement, parameters, prepare=True).fetchall()


def execute_pipeline(
    connection: Connection, first: Sequence[str], last: str, parameters: Mapping[str, Any]
) -> list[TupleRow]:
    """Execute statements in one round trip and one transaction, on a connection in autocommit.

    Only the last one has parameters; return its rows. The server gets all statements at once, so
    the transaction ends without this process, and its locks are held only while the server works.
    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    with _driver_of(connection) as driver:
        with driver.pipeline():
            for statement in first:
                driver.execute(statement)
            cursor = driver.execute(last, parameters)
        return cursor.fetchall()


@contextmanager
def _driver_of(connection: Connection) -> Iterator["psycopg.Connection[TupleRow]"]:
    """Yield the driver's connection; what the driver raises becomes an error of SQLAlchemy."""
    driver = cast("psycopg.Connection[TupleRow]", connection.connection.driver_connection)
    try:
        yield driver
    except psycopg.Error as error:
        if error.sqlstate in {READ_ONLY, STALE_PLAN, UNDEFINED_TABLE} or not _is_idle(driver):
            connection.invalidate(error)
        # The driver's text may quote values. The statement "", rather than None, makes
        # receiver.runtime.errors.describe omit that text.
        raise DBAPIError.instance(
            "", None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    except BaseException:
        # Interrupted, for example at the deadline. The server's response may arrive later, and the
        # next statement on this connection would receive it.
        connection.invalidate()
        raise


def _is_idle(driver: psycopg.Connection[TupleRow]) -> bool:
    """Return whether the next statement will certainly receive its own response."""
    return not driver.closed and driver.info.transaction_status == TransactionStatus.IDLE
