"""Migrates the database: one release at a time, while callbacks arrive."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, PendingRollbackError

from receiver.runtime.errors import SafeMessageError
from receiver.store.bounded_connection import long_statements
from receiver.store.engine import make_engine, transactional
from receiver.store.index_progress import PROGRESS_SECONDS, reporting_index_builds
from receiver.store.requirements import check_requirements
from receiver.store.schema import SCHEMA_VERSION, schema_state
from receiver.store.sqlstate import LOCK_NOT_AVAILABLE, state_of

Report = Callable[[str], None]

MIGRATIONS = Path(__file__).with_name("migrations")

# One connection holds the lock, one migrates, and one reads the progress.
_CONNECTION_COUNT = 3

# An arbitrary number that no other user of the database uses.
_ADVISORY_LOCK_ID = 7_146_550_021

# The timeout for a table's lock: every callback would wait behind a migration that waits for one.
LOCK_TIMEOUT_SECONDS = 1
# The tries of a migration to get its locks; callbacks are recorded in the pauses between them.
LOCK_ATTEMPTS = 10
_LOCK_PAUSE_SECONDS = 2
# The timeout for another release's migration to end.
OTHER_MIGRATION_TIMEOUT_SECONDS = 120
_POLL_INTERVAL_SECONDS = 0.5


class MigrationBusyError(SafeMessageError):
    """Another migration, or another session's lock, did not end in time."""


def migrate(
    engine: Engine,
    *,
    report: Report,
    lock_attempts: int = LOCK_ATTEMPTS,
    progress_seconds: float = PROGRESS_SECONDS,
) -> None:
    """Bring the schema to the code's version; a newer schema stays as it is.

    `report` receives a line for each migration, for the progress of an index every
    `progress_seconds`, and for the result. An interrupted or failed migration can run again: it
    goes on with the version that failed.

    Raises UnsuitableDatabaseError, MigrationBusyError or sqlalchemy.exc.SQLAlchemyError.
    """
    # The pool of `engine` may be too small, and its connections are the caller's.
    url = engine.url.render_as_string(hide_password=False)
    own_engine = make_engine(url, pool_size=_CONNECTION_COUNT)
    try:
        with _exclusive(own_engine):
            _migrate(own_engine, report, lock_attempts, progress_seconds)
    finally:
        own_engine.dispose()


def _migrate(engine: Engine, report: Report, lock_attempts: int, progress_seconds: float) -> None:
    with engine.connect() as connection:
        check_requirements(connection)
        is_behind = schema_state(connection) == "behind"
    if not is_behind:
        report(f"The schema is at version {SCHEMA_VERSION} or newer already.")
        return
    with reporting_index_builds(engine, report, every_seconds=progress_seconds):
        for script in _pending(engine):
            report(f"Migrating to version {script.revision}: {script.doc}")
            _upgrade(engine, script.revision, report, lock_attempts)
    report(f"The schema is at version {SCHEMA_VERSION} now.")


def _pending(engine: Engine) -> list[Script]:
    """Return the migrations that the database lacks, oldest first."""
    with engine.connect() as connection:
        version = MigrationContext.configure(connection).get_current_revision()
    newest_first = ScriptDirectory(str(MIGRATIONS)).iterate_revisions("head", version or "base")

    return list(newest_first)[::-1]


def _upgrade(engine: Engine, revision: str, report: Report, lock_attempts: int) -> None:
    """Execute one migration, again if it doesn't get a table's lock in time."""
    config = Config()
    # configparser, which reads the value, gives `%` a meaning.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["on_begin"] = (
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; SET LOCAL statement_timeout = 0"
    )
    for attempt in range(1, lock_attempts + 1):
        try:
            _execute(engine, config, revision)
        except OperationalError as error:
            if state_of(error) != LOCK_NOT_AVAILABLE:
                raise
            if attempt == lock_attempts:
                raise MigrationBusyError(
                    "Another session keeps a table locked, or a transaction open. End it (see "
                    "pg_stat_activity), then migrate again."
                ) from error
            report("Another session has locked a table. Trying again.")
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            return


def _execute(engine: Engine, config: Config, revision: str) -> None:
    with transactional(engine).connect() as connection, long_statements(connection):
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except PendingRollbackError as error:
            # At the end of an autocommit block, Alembic commits on a connection that has failed.
            # This second error hides the cause.
            raise error.__context__ or error from None


@contextmanager
def _exclusive(engine: Engine) -> Iterator[None]:
    """Exclude other migrations until the block ends.

    The lock belongs to a transaction, because a session's lock would be lost behind a pooler. A
    concurrent index build waits for older snapshots, so this transaction must have none, and each
    try to get the lock is a transaction of its own.
    """
    give_up_at = time.monotonic() + OTHER_MIGRATION_TIMEOUT_SECONDS
    while True:
        with transactional(engine).begin() as connection:
            if _try_lock(connection):
                yield
                return
        if time.monotonic() > give_up_at:
            raise MigrationBusyError(
                f"Another migration has been running for {OTHER_MIGRATION_TIMEOUT_SECONDS} s. "
                "Wait until it ends, then migrate again."
            )
        time.sleep(_POLL_INTERVAL_SECONDS)


def _try_lock(connection: Connection) -> bool:
    is_locked = connection.execute(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK_ID}
    ).scalar()
    # This comes last: a SELECT with parameters keeps its snapshot until the next statement.
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))

    return bool(is_locked)
