"""Migrating the database: bounded in its locks, and one release at a time."""

import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from receiver.runtime.errors import ReceiverError
from receiver.store.engine import transactional
from receiver.store.schema import SCHEMA_VERSION, schema_state

MIGRATIONS = Path(__file__).with_name("migrations")

# Any number, as long as no other user of the database takes the same one.
_LOCK = 7_146_550_021

# In seconds. A migration that waits longer than this for a table's lock gives up: behind it, in
# the queue for the lock, every callback would wait too.
LOCK_SECONDS = 5
# How long to wait for another release's migration to end.
TURN_SECONDS = 120


class MigrationBusyError(ReceiverError):
    """Another migration of this database has not ended in time."""


def migrate(engine: Engine, *, tell: Callable[[str], None]) -> None:
    """Bring the database to the code's version, in one transaction; a newer one is left alone.

    Raises MigrationBusyError, or sqlalchemy.exc.SQLAlchemyError, after which nothing has changed.
    """
    with transactional(engine).begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        _take_turn(connection)
        if schema_state(connection) != "behind":
            tell(f"The schema is at version {SCHEMA_VERSION} or newer already.")
            return
        config = Config()
        # The value is one of configparser's, to which a folder's `%` means something.
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        tell(f"The schema is at version {SCHEMA_VERSION} now.")


def _take_turn(connection: Connection) -> None:
    """Hold a lock that ends with the transaction.

    It is polled, not waited for: a lock of the session would be lost behind a pooler, and a
    waiting statement would run into its timeout.
    """
    give_up = time.monotonic() + TURN_SECONDS
    while not connection.execute(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}
    ).scalar():
        if time.monotonic() > give_up:
            raise MigrationBusyError(
                f"Another migration has been running for {TURN_SECONDS} s. "
                "Wait until it ends, then migrate again."
            )
        time.sleep(0.5)
