"""The doctor's checks of settings and database, and its report."""

import json

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, text

from app import create_app
from dev.postgres import Server
from receiver.doctor import database, doctor
from receiver.doctor.finding import Verdict
from receiver.doctor.query import QueryError, query
from receiver.settings.config import Settings, load
from receiver.store.schema import SCHEMA_VERSION
from tests.support.app import Twilio
from tests.support.command import run
from tests.support.environment import ENVIRON, TOKEN, close_app, open_engine
from tests.support.postgres import frozen
from tests.support.samples import ACCOUNT, COMPLETED, OTHER_ACCOUNT
from tests.support.server import free_port
from tests.support.stored_callbacks import callback

SECRET = "zQ9" * 5
# Settings without a fault.
SOUND = {
    **ENVIRON,
    "TWILIO_AUTH_TOKEN": f"{ACCOUNT}={TOKEN}",
    "API_KEYS": f"reader:{2 * SECRET},other@{ACCOUNT}:{3 * SECRET}",
}


def run_doctor(settings: Settings, engine: Engine, *, send_test: bool = False) -> tuple[bool, str]:
    """Run the doctor, and return whether nothing failed and what it printed."""
    lines: list[str] = []
    sound = doctor.run(settings, engine, send_test=send_test, print_line=lines.append)

    return sound, "\n".join(lines)


def test_sound_deployment_has_no_remedies(engine: Engine) -> None:
    """The report on a sound deployment contains no remedies."""
    sound, output = run_doctor(load(SOUND), engine)

    assert sound
    assert all(line.startswith("ok ") for line in output.splitlines())


@pytest.mark.own_database
def test_older_schema_is_reported_with_its_version(engine: Engine) -> None:
    """An upgrade may need to know from which version it began."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    sound, output = run_doctor(load(ENVIRON), engine)

    assert not sound
    assert f"FAIL  schema: 0003, this code needs {SCHEMA_VERSION} or newer\n" in output


@pytest.mark.own_database
def test_newer_schema_is_ok(engine: Engine) -> None:
    """The doctor of the old release accepts the new release's schema."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    sound, output = run_doctor(load(ENVIRON), engine)

    assert sound
    assert f"ok    schema: 9999, this code needs {SCHEMA_VERSION} or newer\n" in output


def test_report_for_a_program(app: Flask, database: str) -> None:
    """`doctor --json` prints one object, and exits as without the option."""
    done = run(app, "doctor", "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["healthy"]) == (0, True)
    subjects = {finding["subject"]: finding for finding in report["findings"]}
    assert subjects["schema"]["verdict"] == "ok"
    assert subjects["schema"]["remedy"] is None
    assert subjects["API_KEYS"]["verdict"] == "warn"
    behind = create_app({**ENVIRON, "DATABASE_URL": database})
    done = run(behind, "doctor", "--json")
    close_app(behind)
    assert (done.exit_code, json.loads(done.stdout)["healthy"]) == (1, False)


def test_schema_that_is_behind_fails(database: str) -> None:
    """A schema that is behind fails with a remedy, and no test callback is sent."""
    with open_engine(database) as engine:
        sound, output = run_doctor(load(ENVIRON), engine, send_test=True)

    assert not sound
    assert f"FAIL  schema: no version yet, this code needs {SCHEMA_VERSION} or newer\n" in output
    assert "FAIL  test callback: not sent" in output
    assert "1. Run `flask --app app migrate`." in output


def test_read_only_database_fails(migrated: str) -> None:
    """A read-only database fails, because every callback would be a 503."""
    with open_engine(f"{migrated}?options=-c%20default_transaction_read_only%3Don") as engine:
        sound, output = run_doctor(load(ENVIRON), engine)

    assert not sound
    assert "FAIL  database: it is read-only" in output


def test_wrong_password_is_reported_but_not_shown(postgres: Server) -> None:
    """The report contains the server's reason and not the password."""
    url = f"postgresql://postgres:{SECRET}@127.0.0.1:{postgres.port}/postgres"
    with open_engine(url) as engine:
        sound, output = run_doctor(load(ENVIRON), engine)

    assert not sound
    assert "password authentication failed" in output
    assert "Check DATABASE_URL" in output
    assert SECRET not in output


def test_frozen_postgres_does_not_block_the_doctor(own_postgres: Server) -> None:
    """The doctor ends while the server is frozen, and reports it."""
    with open_engine(own_postgres.url(), answer_timeout_seconds=0.2) as engine:
        engine.connect().close()
        with frozen(own_postgres):
            sound, output = run_doctor(load(ENVIRON), engine)

    assert not sound
    assert "FAIL  database: no answer within 0.2" in output


def test_error_of_a_statement_has_no_values(engine: Engine) -> None:
    """The error of a statement doesn't contain its values, which may be secret."""

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
    ],
)
def test_doubtful_setting_is_a_warning(engine: Engine, changes: dict[str, str], word: str) -> None:
    """A doubtful setting is a warning with a remedy and without secrets, and no failure."""
    sound, output = run_doctor(load({**SOUND, **changes}), engine)

    assert sound
    assert output.count("warn  ") == 1
    assert word in output
    assert SECRET not in output


def test_limit_below_the_largest_callback_fails(engine: Engine) -> None:
    """Callbacks above the limit are lost, so a limit below Twilio's is a failure."""
    sound, output = run_doctor(load({**SOUND, "MAX_BODY_BYTES": "500000"}), engine)

    assert not sound
    assert "FAIL  MAX_BODY_BYTES: 500000" in output
    assert "1. Unset MAX_BODY_BYTES" in output


def test_token_of_another_account_fails(engine: Engine) -> None:
    """If all tokens are bound to another account, every callback is quarantined: a failure."""
    other = {
        "TWILIO_ACCOUNT_SID": "AC" + "b" * 32,
        "TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }
    sound, output = run_doctor(load(SOUND | other), engine)

    assert not sound
    assert "FAIL  signing keys: each is bound to another account" in output


def test_short_secret_is_a_warning(engine: Engine) -> None:
    """The doctor warns of an API key with a secret of fewer than 16 characters, and names it."""
    keys = f"first:{SECRET}9,second:{SECRET},third:{2 * SECRET}"
    sound, output = run_doctor(load(SOUND | {"API_KEYS": keys}), engine)

    assert sound
    assert output.count("warn  API_KEYS: the secret of ") == 1
    assert "the secret of second has fewer than 16 characters" in output
    assert "zQ9" not in output


def test_unbound_key_among_several_accounts_is_a_warning(engine: Engine) -> None:
    """With several accounts, the doctor warns of the signing keys that are bound to none."""
    keys = {"TWILIO_SIGNING_KEYS": f"one@{OTHER_ACCOUNT}=secret,two=secret"}
    sound, output = run_doctor(load(SOUND | keys), engine)

    assert sound
    assert "warn  signing keys: valid for every account, because bound to none: two\n" in output


def test_quarantined_callback_is_a_warning(engine: Engine, twilio: Twilio) -> None:
    """The doctor warns about quarantined callbacks and names the command."""
    twilio.call(b"no JSON")
    sound, output = run_doctor(load(SOUND), engine)

    assert sound
    assert "warn  quarantined: 1 callback or response of Twilio in the last 7 days" in output
    assert "callbacks replay" in output


class TestKeyOfAnotherAccount:
    """A key is bound to another account than that of the callbacks that it signs."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment with such a key of each kind, and one that is bound to none."""
        keys = f"unbound=three,wrong@{OTHER_ACCOUNT}=two"
        return {**environ, **SOUND, "TWILIO_AUTH_TOKEN": f"{OTHER_ACCOUNT}=one"} | {
            "TWILIO_SIGNING_KEYS": keys,
            "DATABASE_URL": environ["DATABASE_URL"],
        }

    @pytest.mark.parametrize(
        ("secret", "key_id"), [("one", None), ("two", "wrong")], ids=["auth token", "SharedKey"]
    )
    def test_key_whose_callbacks_are_all_quarantined_fails(
        self, environ: dict[str, str], twilio: Twilio, secret: str, key_id: str | None
    ) -> None:
        """Nothing that the key signs can be read until the operator corrects its account."""
        assert twilio.call(COMPLETED, secret="three", key_id="unbound").status_code == 204
        twilio.call(callback("job_1"), secret=secret, key_id=key_id)
        with open_engine(environ["DATABASE_URL"]) as engine:
            sound, output = run_doctor(load(environ), engine)
            assert not sound
            name = key_id or OTHER_ACCOUNT
            assert f"FAIL  quarantined: all callbacks of {name} in the last 7 days" in output
            assert "write the SID of the key's own account" in output
            assert "callbacks replay" in output
            assert "ok    transcripts: none is missing" in output
            own = callback("job_2", accountId=OTHER_ACCOUNT)
            twilio.call(own, secret=secret, key_id=key_id)
            sound, output = run_doctor(load(environ), engine)
        assert sound
        assert "warn  quarantined: 1 callback or response of Twilio in the last 7 days" in output

    def test_corrected_key_is_only_a_warning(
        self, environ: dict[str, str], engine: Engine, twilio: Twilio
    ) -> None:
        """Once the key's account is corrected, the callbacks only have to be replayed."""
        twilio.call(callback("job_1"), secret="one")
        corrected = load(environ | {"TWILIO_AUTH_TOKEN": f"{ACCOUNT}=one"})
        sound, output = run_doctor(corrected, engine)
        assert sound
        assert "warn  quarantined: 1 callback or response of Twilio in the last 7 days" in output


@pytest.mark.own_database
def test_command_exits_with_1_after_a_failure(app: Flask, migrated: str) -> None:
    """The command's exit code is 1 if a check fails."""
    runner = app.test_cli_runner()
    assert runner.invoke(args=["doctor"]).exit_code == 0
    with psycopg.connect(migrated) as connection:
        connection.execute("DROP TABLE alembic_version")

    assert runner.invoke(args=["doctor"]).exit_code == 1


@pytest.mark.parametrize(
    ("available", "verdict"),
    [(20, Verdict.OK), (18, Verdict.OK), (17, Verdict.WARN), (8, Verdict.WARN), (7, Verdict.FAIL)],
)
def test_connections_are_enough_for_two_releases(available: int, verdict: Verdict) -> None:
    """Two releases with 2 workers of 4 connections, and 2 commands, need 18 connections."""
    assert (
        database.check_connections(load({**ENVIRON, "WEB_CONCURRENCY": "2"}), available).verdict
        == verdict
    )


def test_remedies_of_failures_come_first(database: str) -> None:
    """The remedies of failures come before those of earlier warnings."""
    with open_engine(database) as engine:
        _, output = run_doctor(load({**SOUND, "PUBLIC_URL": ""}), engine)

    assert output.index("warn  PUBLIC_URL") < output.index("FAIL  schema")
    assert output.index("1. Run `flask --app app migrate`.") < output.index("2. Set PUBLIC_URL")
