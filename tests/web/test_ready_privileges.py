"""Tests that /readyz and the doctor name what refuses callbacks: a privilege, or a policy."""

import psycopg
import pytest
from flask import Flask

from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import close_app
from tests.support.samples import COMPLETED

pytestmark = pytest.mark.own_database


@pytest.fixture
def environ(environ: dict[str, str], role_url: str) -> dict[str, str]:
    """Let the service use the role."""
    return environ | {"DATABASE_URL": role_url}


@pytest.fixture
def request_seconds() -> float:
    """Answer soon."""
    return 1.0


def _ready(app: Flask) -> tuple[int, str]:
    answer = app.test_client().get("/readyz")

    return answer.status_code, answer.get_data(as_text=True)


_REVOKED_INSERT = "REVOKE INSERT ON events FROM {role}"
_READ_ONLY = """
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}
"""
_NO_POLICY = "ALTER TABLE transcriptions ENABLE ROW LEVEL SECURITY"
_POLICY_FOR_READERS = """
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON events FOR SELECT USING (true)
"""


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        (_REVOKED_INSERT, "lacks INSERT on the table events"),
        (_READ_ONLY, "lacks INSERT, UPDATE"),
        (_NO_POLICY, "ow-level security refuses SELECT, INSERT, UPDATE"),
        (_POLICY_FOR_READERS, "ow-level security refuses INSERT, UPDATE"),
    ],
)
@pytest.mark.usefixtures("role")
def test_refused_callback_is_named(
    app: Flask, admin: psycopg.Connection, statement: str, cause: str
) -> None:
    """If the role may not record callbacks, /readyz is 503 and the doctor fails, with the cause."""
    [(role,)] = admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'role_%'").fetchall()
    assert _ready(app)[0] == 200
    admin.execute(statement.format(role=role))
    assert Twilio(app.test_client()).call(COMPLETED).status_code == 503
    status, text = _ready(app)
    assert status == 503
    assert cause in text
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert cause in result.stdout
    assert role in result.stdout


def test_unreadable_version_is_named(app: Flask, admin: psycopg.Connection, role: str) -> None:
    """If the role may not read the schema's version, /readyz and the doctor name the privilege."""
    admin.execute(f"REVOKE SELECT ON alembic_version FROM {role}")
    status, text = _ready(app)
    assert status == 503
    assert "lacks SELECT on the table alembic_version" in text
    assert f"GRANT SELECT ON alembic_version TO {role}" in run(app, "doctor").stdout


def test_policy_that_allows_everything_is_ready(
    app: Flask, twilio: Twilio, admin: psycopg.Connection, role: str
) -> None:
    """Row-level security with a policy for the role doesn't make the service unready."""
    for table in ("events", "transcriptions"):
        admin.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        admin.execute(f"CREATE POLICY service ON {table} TO {role} USING (true) WITH CHECK (true)")
    assert _ready(app)[0] == 200
    assert twilio.call(COMPLETED).status_code == 204


def test_doctor_names_privileges_of_commands_only(
    app: Flask, admin: psycopg.Connection, role: str
) -> None:
    """A privilege that only commands need is a failure of the doctor, and the service is ready."""
    admin.execute(f"REVOKE UPDATE ON watches FROM {role}")
    assert _ready(app)[0] == 200
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert f"GRANT UPDATE ON watches TO {role}" in result.stdout
    close_app(app)
