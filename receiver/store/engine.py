"""The database's connections: a fixed pool without overflow, in which requests wait their turn."""

import traceback
from typing import Any

import psycopg
from sqlalchemy import Engine, ExceptionContext, create_engine, event, make_url

_READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction

# The client's connect timeout, in seconds: a fraction of a request's deadline, to leave room for
# another try.
CONNECT_SECONDS = 3

# The server only tidies up what a client left behind; the client's own deadline is the one that
# counts, for a frozen server enforces nothing. A statement whose client went at its deadline ends
# soon, or those that wait for one lock would take all the server's connections; and one that waits
# long for a lock says so in the log, before that. A commit that doesn't wait for the disk would be
# answered 204 and lost with the server's power; what waits for more than that is left as it is. Set
# by statement and not by connection option, which PgBouncer refuses.
_SESSION = """
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
            "connect_timeout": CONNECT_SECONDS,
            # A host that has vanished is noticed early enough for another try. One that is frozen
            # is not: its kernel still acknowledges.
            "tcp_user_timeout": 3000,  # milliseconds
            "keepalives_idle": 30,  # seconds, as the next one
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "fallback_application_name": "transcription-receiver",
            # Prepared statements don't survive a pooler in transaction mode.
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

    return engine


def transactional(engine: Engine) -> Engine:
    """Return the same engine and pool, but with transactions of several statements."""
    return engine.execution_options(isolation_level="READ COMMITTED")
