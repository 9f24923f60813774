"""Migrates the database: one release at a time, without delaying callbacks for long."""

import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from receiver.runtime.errors import ReceiverError
from receiver.store.bounded_connection import long_statements
from receiver.store.engine import transactional
from receiver.store.schema import SCHEMA_VERSION, schema_state

MIGRATIONS = Path(__file__).with_name("migrations")

# An arbitrary number that no other user of the database uses.
_ADVISORY_LOCK_ID = 7_146_550_021

# The timeout for a table's lock: every callback would wait behind a migration that waits for one.
LOCK_TIMEOUT_SECONDS = 5
# The timeout for another release's migration to end.
OTHER_MIGRATION_TIMEOUT_SECONDS = 120
_POLL_INTERVAL_SECONDS = 0.5


class MigrationBusyError(ReceiverError):
    """Another migration of this database did not end in time."""


def migrate(
    engine: Engine,
    *,
    report: Callable[[str], None],
    lock_timeout_seconds: int = LOCK_TIMEOUT_SECONDS,
) -> None:
    """Bring the schema to the code's version, in one transaction; a newer schema stays as it is.

    `report` receives one line with the result. Raises MigrationBusyError or
    sqlalchemy.exc.SQLAlchemyError; nothing has changed then.
    """
    with transactional(engine).begin() as connection, long_statements(connection):
        connection.execute(text(f"SET LOCAL lock_timeout = '{lock_timeout_seconds}s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        _lock(connection)
        if schema_state(connection) != "behind":
            report(f"The schema is at version {SCHEMA_VERSION} or newer already.")
            return
        config = Config()
        # configparser, which reads the value, gives `%` a meaning.
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        report(f"The schema is at version {SCHEMA_VERSION} now.")


def _lock(connection: Connection) -> None:
    """Take a lock that excludes other migrations until the transaction ends.

    It belongs to the transaction, because a session's lock would be lost behind a pooler. It is
    polled, because a waiting statement would run into the lock timeout.
    """
    give_up_at = time.monotonic() + OTHER_MIGRATION_TIMEOUT_SECONDS
    while not connection.execute(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK_ID}
    ).scalar():
        if time.monotonic() > give_up_at:
            raise MigrationBusyError(
                f"Another migration has been running for {OTHER_MIGRATION_TIMEOUT_SECONDS} s. "
                "Wait until it ends, then migrate again."
            )
        time.sleep(_POLL_INTERVAL_SECONDS)
