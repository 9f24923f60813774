"""Finds statements that block callbacks for as long as they read a table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event

# How often this transaction has read each table, and whether it blocks the table's writers.
_TABLES = """
SELECT relid::regclass::text, seq_scan + COALESCE(idx_scan, 0), EXISTS (
    SELECT FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation = relid AND mode IN
        ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
)
FROM pg_stat_xact_user_tables WHERE relid::regclass::text = ANY(%s)
"""
_DDL = re.compile(r"\s*(CREATE|DROP|ALTER|REINDEX|CLUSTER|TRUNCATE|LOCK)\b", re.IGNORECASE)

Driver = psycopg.Connection[Any]


@dataclass
class LockWatch:
    """What the watched statements did to `tables`, the names of existing tables.

    A violation is a statement in a transaction that reads a table and blocks its writers, or a
    statement in autocommit that changes the schema and isn't concurrent.
    """

    tables: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _reads_before: dict[str, int] = field(default_factory=dict)

    def before(self, driver: Driver, statement: str) -> None:
        """Remember how often the tables were read before this transaction."""
        if driver.autocommit:
            if _DDL.match(statement) and "CONCURRENTLY" not in statement:
                self.violations.append(statement)
        elif driver.info.transaction_status == TransactionStatus.IDLE:
            self._reads_before = {name: reads for name, reads, _ in self._rows(driver)}

    def after(self, driver: Driver, statement: str) -> None:
        """Compare."""
        if driver.autocommit:
            return
        for name, reads, is_blocking in self._rows(driver):
            if is_blocking and reads > self._reads_before.get(name, 0):
                self.violations.append(f"{name}: {statement}")

    def _rows(self, driver: Driver) -> list[tuple[str, int, bool]]:
        # Parameters of the server's would keep a snapshot, for which a concurrent build waits.
        return psycopg.ClientCursor(driver).execute(_TABLES, [self.tables]).fetchall()


@contextmanager
def watched_locks() -> Iterator[LockWatch]:
    """Watch all statements of all engines until the block ends."""
    watch = LockWatch()

    def before(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        watch.before(_driver(connection), statement)

    def after(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        watch.after(_driver(connection), statement)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield watch
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


def _driver(connection: Connection) -> Driver:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)

    return driver
