"""The service, its Postgres that may fail, and the connection between them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from tests.support.faults.figures import (
    Figures,
    check_deliveries,
    count_figures,
    count_unreadable,
    stored_bodies,
)
from tests.support.faults.restartable import RestartablePostgres
from tests.support.faults.sender import Delivery
from tests.support.server import (
    NO_OPTIONS,
    WebServer,
    web_server,
)
from tests.support.waiting import wait_until

# The name of the tests' own connections to Postgres.
TEST_NAME = "test"


@dataclass
class Deployment:
    """A database, the service's URL of it, and the figures of the scenarios."""

    postgres: RestartablePostgres
    database: str  # URL for the tests, direct
    service_url: str  # URL for the service, perhaps through PgBouncer or a proxy
    folder: Path
    is_pooled: bool  # whether the service connects through PgBouncer
    figures: list[Figures] = field(default_factory=list)

    @contextmanager
    def serve(
        self, options: Mapping[str, float] = NO_OPTIONS, /, **settings: str
    ) -> Iterator[WebServer]:
        """Run the service until the block ends, with these keyword arguments of `create_app`."""
        log = self.folder / f"web-{uuid.uuid4().hex}.log"
        with web_server(self.service_url, log, options, **settings) as web:
            yield web

    def migrate(self) -> None:
        """Create or update the schema."""
        engine = make_engine(self.database, pool_size=1)
        migrate(engine, report=lambda _: None)
        engine.dispose()

    def with_database(self, name: str) -> "Deployment":
        """Return a deployment with a new database of this name on the same server."""
        with self.connect() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database, service_url = (
            urlsplit(url)._replace(path=name).geturl() for url in (self.database, self.service_url)
        )
        deployed = replace(self, database=database, service_url=service_url)
        deployed.migrate()

        return deployed

    def connect(self) -> psycopg.Connection:
        """Return a connection for the test, in autocommit mode."""
        return psycopg.connect(self.database, autocommit=True, application_name=TEST_NAME)

    @property
    def port(self) -> int:
        """Return the port at which the service connects to Postgres."""
        port = urlsplit(self.service_url).port
        assert port

        return port

    def use_port(self, port: int) -> None:
        """Let the service connect to Postgres through another port on loopback."""
        self.service_url = self.service_url.replace(f":{self.port}/", f":{port}/")

    def has_events(self, count: int) -> bool:
        """Return whether the ledger contains at least this many callbacks."""
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) >= %s FROM events", [count]).fetchone()

        return row == (True,)

    def wait_until_stored(self, deliveries: Sequence[Delivery]) -> None:
        """Wait until all deliveries are in the ledger; the time limit applies to each 100."""
        for count in [*range(0, len(deliveries), 100), len(deliveries)]:
            wait_until(partial(self.has_events, count))

    def check_stored(
        self, scenario: str, deliveries: Sequence[Delivery], *, all_stored: bool = False
    ) -> Figures:
        """Compare the sender's answers with the ledger, and add the figures to the table.

        Every stored callback must be readable. With `all_stored`, every sent one must be stored.
        """
        stored = stored_bodies(self.database)
        if self.is_pooled:
            scenario += ", through PgBouncer"
        row = count_figures(scenario, deliveries, set(stored))
        self.figures.append(row)
        check_deliveries(deliveries, stored)
        assert count_unreadable(self.database) == 0
        assert row.stored == row.sent or not all_stored

        return row
