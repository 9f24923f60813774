"""The embedded Postgres of all contestants, with the settings of a real server."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dev import postgres

# Enough connections for all contestants at once. All other settings are Postgres's defaults: for
# example, a commit waits for the disk.
_SETTINGS = {"max_connections": "200"}


@dataclass(frozen=True, kw_only=True)
class Database:
    """The database of one contestant."""

    server: postgres.Server
    name: str

    @property
    def url(self) -> str:
        """The URL of the database."""
        return self.server.url(self.name)

    def fetch_value(self, query: str) -> Any:
        """Return the single value of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(sql.SQL(query)).fetchone()

        return row and row[0]

    def execute(self, *statements: str) -> None:
        """Execute each statement in a transaction of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def clear(self, *tables: str) -> None:
        """Empty the tables and write a checkpoint, so that all rounds start in the same state."""
        self.execute(f"TRUNCATE {', '.join(tables)}", "CHECKPOINT")


@contextmanager
def running(folder: Path) -> Iterator[postgres.Server]:
    """Run a server until the block ends; its data are deleted then."""
    with postgres.start(folder / "postgres", settings=_SETTINGS) as server:
        yield server


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary folder that the server's uid may enter."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def create(server: postgres.Server, name: str) -> Database:
    """Return a new database; an existing one with this name is dropped."""
    admin = Database(server=server, name="postgres")
    admin.execute(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')

    return Database(server=server, name=name)
