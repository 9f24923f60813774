"""The Postgres of all contestants: embedded, with the settings of a real server."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dev import postgres

# Room for every contestant's connections at once. All else is Postgres's own default: a commit
# waits for the disk.
_SETTINGS = {"max_connections": "200"}


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database of one contestant."""

    server: postgres.Server
    name: str

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url(self.name)

    def ask(self, query: str) -> Any:
        """Return the one value that a query asks for."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(sql.SQL(query)).fetchone()

        return row and row[0]

    def tell(self, *statements: str) -> None:
        """Execute statements, each in a transaction of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def clear(self, *tables: str) -> None:
        """Empty the tables and write everything out, so that each round begins alike."""
        self.tell(f"TRUNCATE {', '.join(tables)}", "CHECKPOINT")


@contextmanager
def running(folder: Path) -> Iterator[postgres.Server]:
    """Run a server whose data are gone afterwards."""
    with postgres.start(folder / "postgres", settings=_SETTINGS) as server:
        yield server


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder for all that is written meanwhile, which the server's uid may enter."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def create(server: postgres.Server, name: str) -> Database:
    """Return a new database; another one of that name is dropped."""
    admin = Database(server=server, name="postgres")
    admin.tell(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')

    return Database(server=server, name=name)
