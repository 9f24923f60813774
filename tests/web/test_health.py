"""Liveness and readiness."""

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from app import create_app
from receiver.services import services_of
from tests.support.environment import ENVIRON


def get(environ: dict[str, str], path: str) -> TestResponse:
    """Return the answer of an application with these settings."""
    app = create_app(environ)
    answer = app.test_client().get(path)
    services_of(app).engine.dispose()

    return answer


def test_healthz_needs_no_database() -> None:
    """A process whose database is away is alive."""
    answer = get(ENVIRON, "/healthz")

    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}


def test_readyz_is_ready_on_the_codes_own_schema(client: FlaskClient) -> None:
    """A migrated database that answers is all it takes."""
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {"status": "ready"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.own_database
def test_readyz_is_ready_on_a_newer_schema(client: FlaskClient, engine: Engine) -> None:
    """The old release's processes serve on while the new one has migrated."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert client.get("/readyz").status_code == 200


def test_readyz_tells_that_the_schema_is_behind(database: str) -> None:
    """On a database that was never migrated it says what to run."""
    answer = get({**ENVIRON, "DATABASE_URL": database}, "/readyz")

    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert "flask --app app migrate" in answer.get_json(force=True)["detail"]


def test_readyz_tells_that_nothing_can_be_written(client: FlaskClient, engine: Engine) -> None:
    """A database that only reads keeps no callback; one that writes again is ready again."""
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        answer = client.get("/readyz")
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))

    assert answer.status_code == 503
    assert "does not accept writes" in answer.get_json(force=True)["detail"]
    assert client.get("/readyz").status_code == 200


def test_readyz_tells_that_the_database_does_not_answer() -> None:
    """Where nobody listens it is a problem document, not a traceback."""
    answer = get(ENVIRON, "/readyz")

    assert answer.status_code == 503
    assert "does not respond" in answer.get_json(force=True)["detail"]


def test_readyz_survives_its_connection(client: FlaskClient, migrated: str) -> None:
    """A pooled connection that the server has ended is no reason to be taken out of service."""
    assert client.get("/readyz").status_code == 200
    with psycopg.connect(migrated, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert client.get("/readyz").status_code == 200
