"""The application for the tests, in this process, on a migrated database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app import create_app
from dev.postgres import Server
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from tests.support import signing
from tests.support.environment import ENVIRON, KEY, PUBLIC_URL, ROUTE, TOKEN, close_app
from tests.support.postgres import new_database
from tests.support.shared_database import SharedDatabase


@pytest.fixture(scope="session")
def _template(postgres: Server) -> Iterator[str]:
    """Yield the name of a database with the schema only: copying it is fast."""
    with new_database(postgres) as url:
        engine = make_engine(url, pool_size=1)
        migrate(engine, report=lambda _: None)
        engine.dispose()
        with psycopg.connect(url) as connection:
            name = connection.info.dbname
        yield name


@pytest.fixture(scope="session")
def _shared_database(postgres: Server, _template: str) -> Iterator[SharedDatabase]:
    """Yield the database that the tests of this process use in turn."""
    with SharedDatabase(postgres, _template) as shared:
        yield shared


@pytest.fixture
def migrated(
    request: pytest.FixtureRequest,
    postgres: Server,
    _template: str,
    _shared_database: SharedDatabase,
) -> Iterator[str]:
    """Yield the URL of an empty database with the schema.

    The tests use it in turn, except for a test with the mark `own_database`.
    """
    if request.node.get_closest_marker("own_database"):
        with new_database(postgres, template=_template) as url:
            yield url
    else:
        with _shared_database.borrow() as url:
            yield url


@pytest.fixture(scope="module")
def module_database(postgres: Server, _template: str) -> Iterator[str]:
    """Yield the URL of a database with the schema, for a server that a module shares."""
    with new_database(postgres, template=_template) as url:
        yield url


@pytest.fixture
def engine(migrated: str) -> Iterator[Engine]:
    """Yield an engine with eight connections to an empty database with the schema."""
    engine = make_engine(migrated, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def environ(migrated: str) -> dict[str, str]:
    """Return the environment of a production deployment."""
    return {**ENVIRON, "DATABASE_URL": migrated}


@pytest.fixture
def request_seconds() -> float:
    """Return the timeout of the application's requests."""
    return REQUEST_SECONDS


@pytest.fixture
def app(environ: dict[str, str], request_seconds: float) -> Iterator[Flask]:
    """Yield the application, which checks its database for each request to /readyz."""
    app = create_app(environ, request_seconds=request_seconds, readiness_seconds=0)
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a test client of the application."""
    return app.test_client()


@dataclass(frozen=True)
class Twilio:
    """Twilio as the sender of callbacks."""

    client: FlaskClient

    def call(
        self,
        body: bytes,
        *,
        secret: str = TOKEN,
        content_type: str = "application/json",
        path: str = ROUTE,
        key_id: str | None = None,
    ) -> TestResponse:
        """Deliver a signed body."""
        url, headers = signing.callback(f"{PUBLIC_URL}{path}", secret, body, key_id=key_id)
        headers["Content-Type"] = content_type

        return self.client.post(url.removeprefix(PUBLIC_URL), data=body, headers=headers)


@pytest.fixture
def twilio(client: FlaskClient) -> Twilio:
    """Return a Twilio that calls the application."""
    return Twilio(client)


Reader = Callable[[str], TestResponse]


@pytest.fixture
def read(client: FlaskClient) -> Reader:
    """Return a function that requests a path with the reader's API key."""
    return lambda path: client.get(path, auth=KEY)
