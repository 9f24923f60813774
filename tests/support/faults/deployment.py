"""The service deployed before a Postgres that may fail, and the way between the two."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from tests.support.faults.figures import Figures, check, figures, ledger, unreadable
from tests.support.faults.restartable import Restartable
from tests.support.faults.sender import Delivery
from tests.support.server import WebServer, wait_until, web_server


@dataclass
class Deployment:
    """A database, how the service reaches it, and what was found out about it."""

    postgres: Restartable
    database: str  # URL, for the tests: directly
    reached: str  # URL, for the service: perhaps through something
    folder: Path
    pooled: bool  # whether PgBouncer is on that way
    rows: list[Figures] = field(default_factory=list)

    @contextmanager
    def serve(self, **settings: str) -> Iterator[WebServer]:
        """Run the service until the block ends."""
        log = self.folder / f"web-{uuid.uuid4().hex}.log"
        with web_server(self.reached, log, **settings) as web:
            yield web

    def migrate(self) -> None:
        """Bring the schema there."""
        engine = make_engine(self.database, pool_size=1)
        migrate(engine, report=lambda _: None)
        engine.dispose()

    def sibling(self, name: str) -> "Deployment":
        """Return a deployment with a new database of that name on the same server."""
        with self.connect() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database, reached = (
            urlsplit(url)._replace(path=name).geturl() for url in (self.database, self.reached)
        )
        deployed = replace(self, database=database, reached=reached)
        deployed.migrate()

        return deployed

    def connect(self) -> psycopg.Connection:
        """Return a connection of the tests' own, in autocommit."""
        return psycopg.connect(self.database, autocommit=True)

    @property
    def port(self) -> int:
        """Where the service reaches Postgres."""
        port = urlsplit(self.reached).port
        assert port

        return port

    def reach_through(self, port: int) -> None:
        """Let the service reach Postgres through another port of the loopback."""
        self.reached = self.reached.replace(f":{self.port}/", f":{port}/")

    def holds(self, least: int) -> bool:
        """Tell whether the ledger holds so many callbacks."""
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) >= %s FROM events", [least]).fetchone()

        return row == (True,)

    def wait_until_stored(self, deliveries: Sequence[Delivery]) -> None:
        """Wait until all of them are in the ledger, however many, as long as it grows."""
        for least in [*range(0, len(deliveries), 100), len(deliveries)]:
            wait_until(partial(self.holds, least))

    def settle(
        self, scenario: str, deliveries: Sequence[Delivery], *, everything: bool = False
    ) -> Figures:
        """Hold what the sender was told against the ledger, and keep the figures for the table.

        Each that is stored can be read. With `everything` each that was ever sent is stored.
        """
        stored = ledger(self.database)
        if self.pooled:
            scenario += ", through PgBouncer"
        row = figures(scenario, deliveries, set(stored))
        self.rows.append(row)
        check(deliveries, stored)
        assert unreadable(self.database) == 0
        assert row.stored == row.sent or not everything

        return row
