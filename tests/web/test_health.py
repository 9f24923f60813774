"""Tests of liveness and readiness."""

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from app import create_app
from tests.support.environment import ENVIRON, close_app


def _get_from_new_app(environ: dict[str, str], path: str) -> TestResponse:
    """Return the response of an application with these settings."""
    app = create_app(environ)
    response = app.test_client().get(path)
    close_app(app)

    return response


def test_healthz_needs_no_database() -> None:
    """A process is alive while its database is unavailable."""
    response = _get_from_new_app(ENVIRON, "/healthz")

    assert response.status_code == 200
    assert response.json == {"status": "ok"}


def test_readyz_is_ready_on_the_current_schema(client: FlaskClient) -> None:
    """A service with a migrated database that responds is ready."""
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json == {"status": "ready"}
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.own_database
def test_readyz_is_ready_on_a_newer_schema(client: FlaskClient, engine: Engine) -> None:
    """An old release stays ready after the new one has migrated the database."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert client.get("/readyz").status_code == 200


def test_readyz_reports_an_old_schema(database: str) -> None:
    """The response names the command to run on a database that isn't migrated."""
    response = _get_from_new_app({**ENVIRON, "DATABASE_URL": database}, "/readyz")

    assert response.status_code == 503
    assert response.content_type == "application/problem+json"
    assert "flask --app app migrate" in response.get_json(force=True)["detail"]


def test_readyz_reports_a_read_only_database(client: FlaskClient, engine: Engine) -> None:
    """A read-only database makes the service not ready, until it accepts writes again."""
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        response = client.get("/readyz")
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))

    assert response.status_code == 503
    assert "does not accept writes" in response.get_json(force=True)["detail"]
    assert client.get("/readyz").status_code == 200


def test_readyz_reports_an_unavailable_database() -> None:
    """The response is a problem document if the database is unavailable."""
    response = _get_from_new_app(ENVIRON, "/readyz")

    assert response.status_code == 503
    assert "does not respond" in response.get_json(force=True)["detail"]


def test_readyz_replaces_a_lost_connection(client: FlaskClient, migrated: str) -> None:
    """A service stays ready after the server has ended a pooled connection."""
    assert client.get("/readyz").status_code == 200
    with psycopg.connect(migrated, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert client.get("/readyz").status_code == 200


def test_readiness_is_checked_once_for_many(environ: dict[str, str], engine: Engine) -> None:
    """Many requests within a second share one check of the database."""
    app = create_app(environ, readiness_seconds=60)
    assert app.test_client().get("/readyz").status_code == 200
    close_app(app)
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        statuses = {app.test_client().get("/readyz").status_code for _ in range(10)}
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
    close_app(app)
    assert statuses == {200}
