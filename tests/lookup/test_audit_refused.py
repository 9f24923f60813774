"""Tests that nothing is read out while the audit can't be written."""

import psycopg
import pytest
from flask import Flask

from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import KEY
from tests.support.stored_callbacks import callback

pytestmark = pytest.mark.own_database

MARK = "markedsentence"
STORED = callback("job", sentences=[{"text": MARK}])
JOB = "/v3/Transcriptions/job"
PATHS = (f"{JOB}/Transcript", f"{JOB}/Transcript.vtt", f"{JOB}/Callbacks/1/Body", "/v3/Export")

_FULL_DISK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON audit EXECUTE FUNCTION refuse()
"""
# Refuses the row at the commit, when the server has sent the body already.
_LATE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def environ(environ: dict[str, str], role_url: str) -> dict[str, str]:
    """Let the service use the role."""
    return environ | {"DATABASE_URL": role_url}


@pytest.fixture
def request_seconds() -> float:
    """Answer soon."""
    return 0.5


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param("REVOKE INSERT ON audit FROM {role}", id="privilege"),
        pytest.param(
            "ALTER ROLE {role} SET default_transaction_read_only = on;"
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",
            id="read-only",
        ),
        pytest.param("ALTER TABLE audit RENAME TO audit_before", id="table"),
        pytest.param(_FULL_DISK, id="disk"),
        pytest.param(_LATE, id="commit"),
    ],
)
def test_nothing_is_read_without_the_audit(
    app: Flask, twilio: Twilio, admin: psycopg.Connection, role: str, refusal: str
) -> None:
    """A rendered, a kept and a raw text and a 304 are a 503 without text; the job is read."""
    client = twilio.client
    assert twilio.call(STORED).status_code == 204
    tags = {path: client.get(path, auth=KEY).headers["ETag"] for path in PATHS[1:3]}
    admin.execute(refusal.format(role=role))
    for path in PATHS:
        for headers in ({}, {"If-None-Match": tags.get(path, "*")}):
            response = client.get(path, auth=KEY, headers=headers)
            assert (response.status_code, response.content_type) == (
                503,
                "application/problem+json",
            )
            assert MARK not in response.text
    assert client.get(JOB, auth=KEY).status_code == 200
    command = run(app, "callbacks", "body", "1")
    assert (command.exit_code, command.stdout) == (1, "")


def test_doctor_names_the_missing_privilege(
    app: Flask, twilio: Twilio, admin: psycopg.Connection, role: str
) -> None:
    """Without INSERT on the audit the doctor fails; the service is ready and stores callbacks."""
    admin.execute(f"REVOKE INSERT ON audit FROM {role}")
    assert f"GRANT INSERT ON audit TO {role}" in run(app, "doctor").stdout
    assert app.test_client().get("/readyz").status_code == 200
    assert twilio.call(STORED).status_code == 204
