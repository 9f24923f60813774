"""Fixtures: the application on a migrated database, and its clients."""

from collections.abc import Iterator
from dataclasses import replace
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
from receiver.runtime.reader_limits import reader_limits
from receiver.services import install, services_of
from receiver.store.migrate import migrate
from tests.support.environment import ENVIRON, serve_app
from tests.support.postgres import new_database
from tests.support.recipe import ReceiverHttpClient
from tests.support.stored_callbacks import truncate

# The URLs in the responses begin with the request's origin, as without a proxy.
SETTINGS = {**ENVIRON, "PUBLIC_URL": "", "API_KEYS": "dev:dev-secret,other:other-secret"}


@pytest.fixture(scope="session")
def session_app(postgres: Server) -> Iterator[Flask]:
    """Yield the application on a migrated database, which this folder's tests share."""
    with new_database(postgres) as url:
        app = create_app({**SETTINGS, "DATABASE_URL": url}, completeness_seconds=0)
        engine: Engine = services_of(app).engine
        migrate(engine, report=lambda _: None)
        yield app
        engine.dispose()


@pytest.fixture
def shared_app(session_app: Flask) -> Iterator[Flask]:
    """Yield the application with an empty database, and without rendered transcripts."""
    parts = services_of(session_app)
    limits = reader_limits(parts.settings.db_pool_size)
    install(session_app, replace(parts, limits=limits))
    yield session_app
    truncate(parts.engine)


@pytest.fixture
def engine(shared_app: Flask) -> Engine:
    """Return the application's engine."""
    engine: Engine = services_of(shared_app).engine

    return engine


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
    """Yield the list of statements, with values, that the application sends to the database."""
    sent: list[tuple[str, dict[str, object]]] = []

    class RecordingCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
            sent.append((query, params))

            return super().execute(query, params, **options)

    def record_statements(connection: psycopg.Connection[Any], *_: object) -> None:
        connection.cursor_factory = RecordingCursor

    engine.dispose()
    sqlalchemy_event.listen(engine, "checkout", record_statements)
    yield sent
    sqlalchemy_event.remove(engine, "checkout", record_statements)
    engine.dispose()


@pytest.fixture
def origin(shared_app: Flask) -> Iterator[str]:
    """Yield the origin of the application, which is served on loopback."""
    with serve_app(shared_app) as origin:
        yield origin


@pytest.fixture
def sdk(origin: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Yield Twilio's SDK as a client, with a region, which changes the names of its hosts."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http_client = ReceiverHttpClient(origin)
    yield Client("dev", "dev-secret", region="ie1", http_client=http_client)
    http_client.session.close()
