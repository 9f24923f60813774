"""Fixtures: the application on a migrated database, and clients of it."""

from collections.abc import Iterator
from typing import Any, Self

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event
from twilio.rest import Client
from werkzeug.datastructures import Authorization

from app import create_app
from dev.postgres import Server
from receiver.services import services_of
from receiver.store.migrate import migrate
from tests.support.environment import ENVIRON, serve_app
from tests.support.postgres import new_database
from tests.support.recipe import ReceiverHttpClient
from tests.support.stored_callbacks import truncate

# The addresses in the answers are those of the request, as without a proxy.
SETTINGS = {**ENVIRON, "PUBLIC_URL": "", "API_KEYS": "dev:dev-secret,other:other-secret"}


@pytest.fixture(scope="session")
def served(postgres: Server) -> Iterator[Flask]:
    """Yield the application on a migrated database, which the tests of this room share."""
    with new_database(postgres) as url:
        app = create_app({**SETTINGS, "DATABASE_URL": url})
        engine: Engine = services_of(app).engine
        migrate(engine, report=lambda _: None)
        yield app
        engine.dispose()


@pytest.fixture
def shared_app(served: Flask) -> Iterator[Flask]:
    """Yield the application, whose database is empty."""
    yield served
    truncate(services_of(served).engine)


@pytest.fixture
def engine(shared_app: Flask) -> Engine:
    """Return the application's engine, for the test to put something in."""
    engine: Engine = services_of(shared_app).engine

    return engine


@pytest.fixture
def stranger(shared_app: Flask) -> FlaskClient:
    """Return a client without an API key."""
    return shared_app.test_client()


@pytest.fixture
def reader(shared_app: Flask) -> FlaskClient:
    """Return a client with an API key."""
    reader = shared_app.test_client()
    reader.environ_base["HTTP_AUTHORIZATION"] = Authorization(
        "bearer", token="other-secret"
    ).to_header()

    return reader


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[tuple[str, dict[str, object]]]]:
    """Yield the list of the statements that are sent to the database, with their values."""
    sent: list[tuple[str, dict[str, object]]] = []

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
            sent.append((query, params))

            return super().execute(query, params, **options)

    def note(connection: psycopg.Connection[Any], *_: object) -> None:
        connection.cursor_factory = Noting

    engine.dispose()
    sqlalchemy_event.listen(engine, "checkout", note)
    yield sent
    sqlalchemy_event.remove(engine, "checkout", note)
    engine.dispose()


@pytest.fixture
def origin(shared_app: Flask) -> Iterator[str]:
    """Yield the origin under which the application is served, on loopback."""
    with serve_app(shared_app) as origin:
        yield origin


@pytest.fixture
def sdk(origin: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Yield Twilio's SDK as a client, with a region set, which gives its hosts other names."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http_client = ReceiverHttpClient(origin)
    yield Client("dev", "dev-secret", region="ie1", http_client=http_client)
    http_client.session.close()
