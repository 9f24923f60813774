"""Creates and replaces indexes while callbacks arrive; the migrations use it.

A plain CREATE INDEX blocks all writes to its table until it ends. CREATE INDEX CONCURRENTLY
doesn't, but it can't run in a transaction. So a migration commits before it, and an interrupted
migration runs again from its start: every step here, and every statement before it in the
migration, must allow that.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from alembic import op
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

# The limit for each transaction that is older than the new index. A concurrent build waits until it
# ends, for example a dump of the database. Nobody waits behind the build.
OLD_TRANSACTION_TIMEOUT_SECONDS = 3600

_SUFFIX = "_new"


def create_indexes(definitions: Mapping[str, str]) -> None:
    """Create the indexes; a definition is what follows ON in the statement, for each name.

    An index that exists is kept, unless an interrupted build left it invalid. Raises
    sqlalchemy.exc.SQLAlchemyError.
    """
    with _outside_transactions() as connection:
        for name, definition in definitions.items():
            _create(connection, name, definition)


def replace_indexes(definitions: Mapping[str, str]) -> None:
    """Give existing indexes new definitions; queries can use the old or the new one at any time.

    The names are swapped in the migration's last transaction. Raises what `create_indexes` raises.
    """
    create_indexes({f"{name}{_SUFFIX}": definition for name, definition in definitions.items()})
    with _outside_transactions() as connection:
        for name in definitions:
            connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    for name in definitions:
        op.execute(f"ALTER INDEX {name}{_SUFFIX} RENAME TO {name}")


def _create(connection: Connection, name: str, definition: str) -> None:
    is_valid = connection.execute(
        text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"),
        {"name": name},
    ).scalar()
    if is_valid:
        return
    if is_valid is not None:
        connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
    connection.execute(text(f"CREATE INDEX CONCURRENTLY {name} ON {definition}"))


@contextmanager
def _outside_transactions() -> Iterator[Connection]:
    """Commit, and yield the connection in autocommit, with time limits for long builds.

    Behind a pooler in transaction mode, a statement can run on another session than the limits were
    set for. A build that takes longer than this session allows ends with an error then.
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        limits = connection.execute(
            text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        ).one()
        _set_limits(connection, "0", f"{OLD_TRANSACTION_TIMEOUT_SECONDS}s")
        try:
            yield connection
        finally:
            # For the next client of a pooler. If this fails, the build's own error is raised.
            with suppress(SQLAlchemyError):
                _set_limits(connection, *limits)


def _set_limits(connection: Connection, statement_timeout: str, lock_timeout: str) -> None:
    connection.execute(
        text(
            "SELECT set_config('statement_timeout', :statement, false),"
            " set_config('lock_timeout', :lock, false)"
        ),
        {"statement": statement_timeout, "lock": lock_timeout},
    )
