"""The database's connections: a fixed pool without overflow, in which requests wait their turn."""

import sys
import traceback
from collections.abc import Mapping
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

_READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction

# How often psycopg must have run a statement to prepare it unasked, and how many it keeps. The
# plans of queries with filters are better made for their values.
_NEVER_UNASKED = sys.maxsize
_MOST_PREPARED = 10

# The client's connect timeout, in seconds: a fraction of a request's deadline, to leave room for
# another try.
CONNECT_TIMEOUT_SECONDS = 3

# The server only tidies up what a client left behind; the client's own deadline is the one that
# counts, for a frozen server enforces nothing. A statement whose client went at its deadline ends
# soon, or those that wait for one lock would take all the server's connections; and one that waits
# long for a lock says so in the log, before that. A commit that doesn't wait for the disk would be
# answered 204 and lost with the server's power; what waits for more than that is left as it is. Set
# by statement and not by connection option, which PgBouncer refuses.
_SESSION = """
SELECT pg_backend_pid();
SET TimeZone = 'UTC';
SET statement_timeout = '{statement}s';
SET lock_timeout = '5s';
SET client_connection_check_interval = '250ms';
SET idle_in_transaction_session_timeout = '{statement}s';
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


def make_engine(url: str, *, pool_size: int, statement_seconds: int = 15) -> Engine:
    """Return the engine for a `postgresql://` URL; nothing is connected yet.

    Its connections are in autocommit: one statement is one transaction and one round trip. For
    more, take `transactional(engine)`.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        # Statements leave nothing behind that a reset, another round trip, would have to clear.
        pool_reset_on_return=None,
        # An error's text goes into logs, and a statement's values are what Twilio sent.
        hide_parameters=True,
        use_native_hstore=False,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # JSON is sent in it, whatever the database's own encoding.
            "client_encoding": "utf8",
            # A host that has vanished is noticed early enough for another try. One that is frozen
            # is not: its kernel still acknowledges.
            "tcp_user_timeout": 3000,  # milliseconds
            "keepalives_idle": 30,  # seconds, as the next one
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "fallback_application_name": "transcription-receiver",
            # Prepared statements don't survive a pooler in transaction mode; see below.
            "prepare_threshold": None,
        },
    )

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(*arguments, **parameters)
        except BaseException as error:
            # The error and psycopg's frames lead to one another, and those hold the socket: it
            # would count among the server's connections until somebody collects the ring.
            traceback.clear_frames(error.__traceback__)
            raise

    @event.listens_for(engine, "handle_error")
    def _look_for_the_new_primary(context: ExceptionContext) -> None:
        # After a failover the old primary takes no writes, and will not on this connection.
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True

    @event.listens_for(engine, "connect")
    def _prepare(connection: psycopg.Connection[Any], _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SESSION.format(statement=statement_seconds))
            told = cursor.fetchone()
        # A pooler makes up the number of the process that it lets us cancel.
        if told == (connection.info.backend_pid,):
            connection.prepare_threshold = _NEVER_UNASKED
            connection.prepared_max = _MOST_PREPARED

    return engine


def execute_prepared(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[TupleRow]:
    """Run one statement in one round trip, on a connection in autocommit, and return its rows.

    It goes past SQLAlchemy's cursors, which cost as much as the driver's own work, and is prepared
    where the connection is direct. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    driver = cast("psycopg.Connection[TupleRow]", connection.connection.driver_connection)
    try:
        return driver.execute(statement, parameters, prepare=True).fetchall()
    except psycopg.Error as error:
        if error.sqlstate == _READ_ONLY or not _is_idle(driver):
            connection.invalidate(error)
        # Its text may quote values, as SQLAlchemy's do where there is a statement.
        raise DBAPIError.instance(
            "", None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    except BaseException:
        # Given up in the middle: an answer may yet come, to whoever asks next.
        connection.invalidate()
        raise


def _is_idle(driver: psycopg.Connection[TupleRow]) -> bool:
    """Tell whether the next statement would get its own answer, and no other's."""
    return not driver.closed and driver.info.transaction_status == TransactionStatus.IDLE


def transactional(engine: Engine) -> Engine:
    """Return the same engine and pool, but with transactions of several statements."""
    return engine.execution_options(isolation_level="READ COMMITTED")
