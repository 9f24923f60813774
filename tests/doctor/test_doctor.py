"""The doctor's checks of settings and database."""

import threading

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, text

from dev.postgres import Server
from receiver.doctor import database, doctor
from receiver.doctor import query as doctor_query
from receiver.doctor.finding import Verdict
from receiver.doctor.query import QueryError, query
from receiver.settings.config import Settings, load
from tests.support.app import Twilio
from tests.support.environment import ENVIRON, TOKEN, open_engine
from tests.support.postgres import frozen
from tests.support.server import free_port

SECRET = "zQ9" * 5
# A deployment with nothing to say against it.
ACCOUNT = "AC" + "a" * 32
SOUND = {**ENVIRON, "TWILIO_AUTH_TOKEN": f"{ACCOUNT}={TOKEN}"}


def report(settings: Settings, engine: Engine, *, send_test: bool = False) -> tuple[bool, str]:
    """Run the doctor and return its verdict and all it said."""
    lines: list[str] = []
    sound = doctor.run(settings, engine, send_test=send_test, print_line=lines.append)

    return sound, "\n".join(lines)


def test_a_sound_deployment_needs_nothing(engine: Engine) -> None:
    """Where all is well there is nothing to do."""
    sound, said = report(load(SOUND), engine)

    assert sound
    assert all(line.startswith("ok ") for line in said.splitlines())


@pytest.mark.own_database
def test_a_newer_schema_is_in_order(engine: Engine) -> None:
    """The doctor of the old release finds no fault with the new one's schema."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    sound, said = report(load(ENVIRON), engine)

    assert sound
    assert "schema: newer" in said


def test_a_schema_that_is_behind_fails(database: str) -> None:
    """It says what to run, and sends no test callback that could not be kept."""
    with open_engine(database) as engine:
        sound, said = report(load(ENVIRON), engine, send_test=True)

    assert not sound
    assert "FAIL  schema: behind" in said
    assert "FAIL  test callback: not sent" in said
    assert "1. Run `flask --app app migrate`." in said


def test_a_database_that_only_reads_fails(migrated: str) -> None:
    """Every callback would be answered 503, whatever else is well."""
    with open_engine(f"{migrated}?options=-c%20default_transaction_read_only%3Don") as engine:
        sound, said = report(load(ENVIRON), engine)

    assert not sound
    assert "FAIL  database: it is read-only" in said


def test_a_wrong_password_is_told_and_not_shown(postgres: Server) -> None:
    """The server's own reason is in the report, the password isn't."""
    url = f"postgresql://postgres:{SECRET}@127.0.0.1:{postgres.port}/postgres"
    with open_engine(url) as engine:
        sound, said = report(load(ENVIRON), engine)

    assert not sound
    assert "password authentication failed" in said
    assert "Check DATABASE_URL" in said
    assert SECRET not in said


def test_a_frozen_postgres_does_not_hold_the_doctor(
    own_postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where psycopg waits in C for a server that has answered before, the doctor gives up."""
    monkeypatch.setattr(doctor_query, "QUERY_TIMEOUT_SECONDS", 0.2)
    before = set(threading.enumerate())
    with open_engine(own_postgres.url()) as engine:
        engine.connect().close()
        with frozen(own_postgres):
            sound, said = report(load(ENVIRON), engine)
        for thread in set(threading.enumerate()) - before:
            thread.join(30)

    assert not sound
    assert "FAIL  database: no response within 0.2 s" in said


def test_a_statements_error_is_named_without_its_values(engine: Engine) -> None:
    """What was asked for may be a secret, so it isn't told."""

    def fail(connection: Connection) -> None:
        connection.execute(text("SELECT CAST(:value AS int)"), {"value": SECRET})

    with pytest.raises(QueryError, match="22P02") as caught:
        query(engine, fail)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"TWILIO_AUTH_TOKEN": f"{ACCOUNT}={SECRET}"}, "API key's secret"),
        ({"PUBLIC_URL": ""}, "Set PUBLIC_URL"),
        ({"PUBLIC_URL": f"http://user:{SECRET}@app.example.com"}, "https address"),
        ({"MAX_BODY_BYTES": "500000"}, "Unset MAX_BODY_BYTES"),
    ],
)
def test_a_doubtful_setting_is_a_warning(
    engine: Engine, changes: dict[str, str], word: str
) -> None:
    """It may be meant so: the report says what to do, shows no secret, and does not fail."""
    sound, said = report(load({**SOUND, **changes}), engine)

    assert sound
    assert said.count("warn  ") == 1
    assert word in said
    assert SECRET not in said


def test_a_token_of_another_account_is_told(engine: Engine) -> None:
    """What the account's own token has signed would be quarantined."""
    other = {
        "TWILIO_ACCOUNT_SID": "AC" + "b" * 32,
        "TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }
    sound, said = report(load(SOUND | other), engine)

    assert sound
    assert "warn  TWILIO_AUTH_TOKEN: every token is bound to another account" in said


def test_what_is_quarantined_is_told(engine: Engine, twilio: Twilio) -> None:
    """It waits for somebody to look at it."""
    twilio.call(b"no JSON")
    sound, said = report(load(SOUND), engine)

    assert sound
    assert "warn  quarantined: 1 callbacks" in said
    assert "callbacks replay" in said


@pytest.mark.own_database
def test_the_command_exits_with_one_if_anything_fails(app: Flask, migrated: str) -> None:
    """A script may rely on the exit code."""
    runner = app.test_cli_runner()
    assert runner.invoke(args=["doctor"]).exit_code == 0
    with psycopg.connect(migrated) as connection:
        connection.execute("DROP TABLE alembic_version")

    assert runner.invoke(args=["doctor"]).exit_code == 1


@pytest.mark.parametrize(
    ("version", "verdict"), [(15, Verdict.FAIL), (16, Verdict.OK), (18, Verdict.OK)]
)
def test_postgres_16_is_the_oldest(version: int, verdict: Verdict) -> None:
    """Its SQL is what the statements are written for."""
    assert database.check_version(version).verdict == verdict


@pytest.mark.parametrize(
    ("room", "verdict"),
    [(20, Verdict.OK), (18, Verdict.OK), (17, Verdict.WARN), (8, Verdict.WARN), (7, Verdict.FAIL)],
)
def test_two_releases_and_two_commands_must_fit(room: int, verdict: Verdict) -> None:
    """By default 2 workers x 4, twice, and 2 more; what isn't enough for one release fails."""
    assert (
        database.check_connections(load({**ENVIRON, "WEB_CONCURRENCY": "2"}), room).verdict
        == verdict
    )


def test_failures_are_to_be_mended_first(database: str) -> None:
    """The list at the end begins with them, though a warning was told before."""
    with open_engine(database) as engine:
        _, said = report(load({**ENVIRON, "PUBLIC_URL": ""}), engine)

    assert said.index("warn  PUBLIC_URL") < said.index("FAIL  schema")
    assert said.index("1. Run `flask --app app migrate`.") < said.index("2. Set PUBLIC_URL")
