"""Connections to the database: a pool of fixed size, in which requests wait for their turn."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from sqlalchemy import Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.runtime.gevent_check import is_under_gevent
from receiver.store.bounded_connection import ANSWER_TIMEOUT_SECONDS, BoundedConnection
from receiver.store.jsonb import decode_json
from receiver.store.pooled_connection import PooledConnection
from receiver.store.schema import APPLICATION_NAME, SCHEMA_VERSION
from receiver.store.sqlstate import READ_ONLY

# psycopg prepares a statement by itself after this many executions; this number means never.
# Queries with filters get better plans when Postgres knows the values.
_PREPARE_THRESHOLD = sys.maxsize
_MAX_PREPARED_STATEMENTS = 10

# A fraction of a request's deadline, which leaves time for a retry.
CONNECT_TIMEOUT_SECONDS = 3
_TCP_USER_TIMEOUT_MILLISECONDS = 3000

# Keep the values of our statements, which are names, numbers and bodies, out of the server's log. A
# plan contains them too, and so do the details of some errors. A session can make these settings
# only with a privilege. A role without it works all the same, and the doctor warns.
LOG_SETTINGS = {
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
    "auto_explain.log_min_duration": "-1",
}

# These settings only clean up after clients that have disappeared. The client enforces its deadline
# itself, because a frozen server enforces nothing.
# - A statement ends soon after its client has disappeared. Otherwise statements that wait for one
#   lock could take all the server's connections.
# - The lock timeout is the shorter one, so that the log names the lock as the cause.
# - A commit must wait for the disk: otherwise a callback that was answered 204 would be lost in a
#   power failure. Stricter values, which wait for more, are not changed.
# - A server that ends idle sessions would break the pool's connections again and again, and one
#   that bounds transactions (Postgres 17) a migration. The settings above limit what matters.
# - The driver reads times and intervals in these styles only. The database may have others.
# - The server must report a commit that no standby has confirmed, which is only a warning.
# - The server's log gets no values of our statements: these two settings need no privilege.
# They are set by statement, because PgBouncer rejects them as connection options.
_SESSION = """
SELECT pg_backend_pid();
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SET statement_timeout = '15s';
SET lock_timeout = '5s';
SET client_connection_check_interval = '250ms';
SET idle_in_transaction_session_timeout = '15s';
SET idle_session_timeout = 0;
SET log_parameter_max_length_on_error = 0;
SET debug_print_plan = off;
SELECT set_config('transaction_timeout', '0', false)
WHERE current_setting('transaction_timeout', true) <> '0';
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('client_min_messages', 'warning', false)
WHERE current_setting('client_min_messages') = 'error'
"""
_KEEP_VALUES_OUT_OF_LOG = f"""
; SELECT set_config(name, value, false) FROM (VALUES
    {", ".join(f"('{name}', '{value}')" for name, value in LOG_SETTINGS.items())}
) AS setting (name, value)
WHERE current_setting(name, true) IS NOT NULL AND has_parameter_privilege(name, 'SET')
"""  # noqa: S608 - made of the settings above
# Older servers have no such privileges. They are too old for the service, which `migrate` and the
# doctor must be able to say.
_MIN_PRIVILEGES_VERSION = 150000

_IS_FRESH = "is_fresh"  # in a pool entry's `info`, until its connection is first checked out
# Whether each connection that is checked out must be a new one.
_needs_fresh: ContextVar[bool] = ContextVar("needs_fresh", default=False)


class _CommandConnection(BoundedConnection, PooledConnection):
    """A connection of a process without gevent."""


def make_engine(
    url: str, *, pool_size: int, answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
) -> Engine:
    """Return the engine for a `postgresql://` URL; nothing is connected yet.

    Its connections are in autocommit: one statement is one transaction and one round trip. Use
    `transactional(engine)` for transactions of several statements. Outside a gevent worker, a
    statement fails after `answer_timeout_seconds` without an answer.

    On the server there are never more than `pool_size` connections, even if it doesn't end a
    statement that was given up.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        # In autocommit there is nothing to roll back, and a reset costs a round trip.
        pool_reset_on_return=None,
        # Error texts are logged, and the values of a statement are what Twilio sent.
        hide_parameters=True,
        use_native_hstore=False,
        json_deserializer=decode_json,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # JSON is sent as UTF-8; the encoding of the database doesn't matter.
            "client_encoding": "utf8",
            # Detects a disconnected host early enough for a retry. A frozen host is not detected:
            # its kernel still acknowledges packets.
            "tcp_user_timeout": _TCP_USER_TIMEOUT_MILLISECONDS,
            "keepalives_idle": 30,  # seconds
            "keepalives_interval": 5,  # seconds
            "keepalives_count": 3,
            "fallback_application_name": f"{APPLICATION_NAME}/{SCHEMA_VERSION}",
            # Prepared statements fail behind a pooler in transaction mode; see `_set_up` below.
            "prepare_threshold": None,
        },
    )

    _open_within_budget(engine, pool_size)
    _set_up_connections(engine, answer_timeout_seconds)

    @event.listens_for(engine, "handle_error")
    def _drop_read_only_connection(context: ExceptionContext) -> None:
        # After a failover the old primary is read-only. A new connection may reach the new primary.
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True

    return engine


def _open_within_budget(engine: Engine, connection_count: int) -> None:
    """Make the engine open connections that keep their place until the server is done."""
    budget = ConcurrencyLimit(connection_count)
    # gevent interrupts a wait at a request's deadline. Without it, the connection has to end it.
    connection_class = PooledConnection if is_under_gevent() else _CommandConnection

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        try:
            return connection_class.open(
                budget, *arguments, timeout_seconds=CONNECT_TIMEOUT_SECONDS, **parameters
            )
        except BaseException as error:
            # The error and psycopg's frames refer to each other, and the frames hold the socket. It
            # would count among the server's connections until the garbage collector runs.
            traceback.clear_frames(error.__traceback__)
            raise


def _set_up_connections(engine: Engine, answer_timeout_seconds: float) -> None:
    """Make the engine set up new connections, and replace used ones within `fresh_connections`."""

    @event.listens_for(engine, "connect")
    def _set_up(connection: psycopg.Connection[Any], record: ConnectionPoolEntry) -> None:
        if isinstance(connection, BoundedConnection):
            connection.answer_timeout_seconds = answer_timeout_seconds
        try:
            with connection.cursor() as cursor:
                cursor.execute(session_statements(connection.info.server_version))
                row = cursor.fetchone()
        except BaseException:
            connection.close()  # the pool doesn't do this
            raise
        record.info[_IS_FRESH] = True
        # Statements are prepared only on direct connections. A transaction pooler reveals itself by
        # a made-up backend PID.
        if row == (connection.info.backend_pid,):
            connection.prepare_threshold = _PREPARE_THRESHOLD
            connection.prepared_max = _MAX_PREPARED_STATEMENTS

    @event.listens_for(engine, "checkout")
    def _require_fresh(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if not record.info.pop(_IS_FRESH, False) and _needs_fresh.get():
            raise DisconnectionError  # the pool replaces the connection


def session_statements(server_version: int) -> str:
    """Return the statements that set up a session on a server of this version, such as 180001."""
    return _SESSION + (_KEEP_VALUES_OUT_OF_LOG if server_version >= _MIN_PRIVILEGES_VERSION else "")


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Let every engine use only new connections, for the caller, until the block ends."""
    token = _needs_fresh.set(True)
    try:
        yield
    finally:
        _needs_fresh.reset(token)


def transactional(engine: Engine) -> Engine:
    """Return an engine with the same pool, for transactions of several statements."""
    return engine.execution_options(isolation_level="READ COMMITTED")
