"""Postgres's own log contains no value of a callback, a request or a read."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from app import create_app
from dev.postgres import Server
from receiver.simulator.server import serve
from receiver.store.engine import LOG_SETTINGS
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, close_app
from tests.support.roles import ordinary_role
from tests.support.samples import COMPLETED, CONFIGURATION, JOB, OTHER_ACCOUNT
from tests.support.simulator.account import simulated
from tests.support.submitting import READER, SETTINGS, create, open_app

pytestmark = [pytest.mark.own_database, pytest.mark.both_postgres]

# Everything that a server can log of a session, except plans of auto_explain.
EVERYTHING = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1",
    "log_min_error_statement": "debug5",
    "log_error_verbosity": "verbose",
    "log_lock_waits": "on",
    "debug_print_plan": "on",
}
REFUSED = "https://example.com/planted/refused"
PLANTED = ("planted sentence", "Planted Name", "+15550123456", "example.com/planted")


def _document(**members: object) -> bytes:
    document = json.loads(COMPLETED)
    document["participants"][0] |= {"name": "Planted Name", "address": "+15550123456"}
    document["sentences"][0]["text"] = "A planted sentence."

    return json.dumps(document | {"mediaUrl": "https://example.com/planted"} | members).encode()


@pytest.fixture
def log(postgres: Server, migrated: str) -> Path:
    """Return the server's log, in which everything of this database's sessions is written."""
    with psycopg.connect(migrated, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        for name, value in EVERYTHING.items():
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            admin.execute(change.format(database, sql.SQL(name), value))
        # A refusal by a constraint has a detail with the row.
        admin.execute("ALTER TABLE transcriptions ADD CHECK (media_url NOT LIKE '%/refused')")

    return postgres.folder / "log"


def _use_everything(url: str) -> None:
    """Record, refuse, reject, read, replay and submit what was planted, as the role of the URL."""
    environ = {**ENVIRON, **SETTINGS, "DATABASE_URL": url}
    app = create_app(environ)
    client = app.test_client()
    twilio = Twilio(client)
    for body in (
        _document(),
        _document(),  # a duplicate
        _document(accountId=OTHER_ACCOUNT),
        _document(id="refused", mediaUrl=REFUSED),
        b"A planted sentence, not JSON.",
    ):
        assert twilio.call(body).status_code == 204
    assert twilio.call(_document(), secret="wrong").status_code == 403
    for path in (
        "?participantAddress=%2B15550123456",
        f"/{JOB}",
        f"/{JOB}/Transcript",
        f"/{JOB}/Callbacks",
    ):
        assert client.get(f"/v3/Transcriptions{path}", auth=READER).status_code == 200
    for command in ("callbacks replay --outcome quarantined", "rejected check", "rejected accept"):
        assert run(app, *command.split()).exit_code == 0
    close_app(app)
    with serve(simulated()) as served, open_app(environ, served.url) as submitting:
        participants = json.loads(_document())["participants"]
        request = {
            "mediaUrl": "https://example.com/planted",
            "transcriptionConfigurationId": CONFIGURATION,
            "participants": participants,
        }
        assert create(submitting.test_client(), request).status_code == 202


def _find_planted(text: str) -> set[str]:
    """Return what was planted and is in the log: as text, as a bytea or as bytes of a plan."""
    return {
        planted
        for planted in PLANTED
        if planted in text
        or planted.encode().hex() in text
        or " ".join(map(str, planted.encode())) in text
    }


@pytest.mark.parametrize("is_superuser", [True, False], ids=["superuser", "granted role"])
def test_log_contains_no_values(
    migrated: str,
    log: Path,
    is_superuser: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A server that logs everything logs the statements and their errors, but no values."""
    size = log.stat().st_size
    if is_superuser:
        _use_everything(migrated)
    else:
        with ordinary_role(migrated, may_set=" ".join(LOG_SETTINGS)) as url:
            _use_everything(url)
    written = log.read_bytes()[size:].decode()
    assert "INSERT INTO transcriptions" in written
    assert "violates check constraint" in written
    assert _find_planted(written) == set()


def test_role_without_the_privilege_logs_values(migrated: str, log: Path) -> None:
    """Without the privilege the log contains values, of which the doctor warns."""
    size = log.stat().st_size
    with ordinary_role(migrated) as url:
        _use_everything(url)
    assert _find_planted(log.read_bytes()[size:].decode()) == set(PLANTED)
