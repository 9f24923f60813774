"""The doctor's check of what Postgres writes into its own log."""

import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from dev.postgres import Server
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.server_log import check_server_log
from receiver.store.server_log import find_harmful
from tests.support.environment import open_engine
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.roles import ordinary_role

pytestmark = pytest.mark.own_database

SLOW_STATEMENTS = {"log_min_duration_statement": "2000"}
# The settings of a server on which only errors are logged.
QUIET = {
    "log_statement": "ddl",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_statement_sample_rate": "1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "0",
    "debug_print_plan": "off",
}


def _set(url: str, settings: dict[str, str]) -> None:
    """Change settings for new sessions in this database."""
    with psycopg.connect(url, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        for name, value in settings.items():
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            admin.execute(change.format(database, sql.SQL(name), value))


def _check(url: str) -> Finding:
    with open_engine(url) as engine, engine.connect() as connection:
        return check_server_log(connection)


def _follow(url: str, remedy: str, command: str) -> None:
    """Execute the statements that the remedy quotes, as a superuser; they begin with `command`."""
    [statements] = (part for part in remedy.split("`") if part.startswith(command))
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statements.encode())


def test_default_settings_log_no_values(migrated: str) -> None:
    """With Postgres's default settings only an error's details may quote a row."""
    with ordinary_role(migrated) as url:
        finding = _check(url)
    assert finding.verdict == Verdict.OK
    assert "errors may quote a part of a row" in finding.text


@pytest.mark.parametrize(
    "setting",
    [
        SLOW_STATEMENTS,
        {"log_statement": "all"},
        {"log_min_duration_sample": "100"},
        {"log_transaction_sample_rate": "0.01"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_superuser_logs_no_values(migrated: str, setting: dict[str, str]) -> None:
    """A superuser's sessions keep values out of the log, a role's without the privilege don't."""
    _set(migrated, setting)
    assert _check(migrated) == Finding(Verdict.OK, "Postgres's log: without values of statements")
    with ordinary_role(migrated) as url:
        finding = _check(url)
    assert finding.verdict == Verdict.WARN
    assert "names, numbers and bodies" in finding.text
    assert "(log_parameter_max_length)" in finding.text


@pytest.mark.parametrize("command", ["ALTER ROLE", "GRANT SET"])
def test_each_remedy_keeps_values_out_of_the_log(migrated: str, command: str) -> None:
    """Both commands that the doctor prints end its warning."""
    _set(migrated, SLOW_STATEMENTS)
    with ordinary_role(migrated) as url:
        _follow(migrated, _check(url).remedy, command)
        assert _check(url).verdict == Verdict.OK


def test_session_settings_do_not_count_behind_a_pooler(
    migrated: str, postgres: Server, postgres_folder: Path
) -> None:
    """Behind a pooler the doctor wants the setting for the role, and names no other remedy."""
    _set(migrated, SLOW_STATEMENTS)
    folder = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
    with pgbouncer(postgres, folder) as pooler_url:
        url = make_url(migrated).set(port=make_url(pooler_url).port)
        pooled = url.render_as_string(hide_password=False)
        finding = _check(pooled)
        assert finding.verdict == Verdict.WARN
        assert "GRANT" not in finding.remedy
        _follow(migrated, finding.remedy, "ALTER ROLE")
    with pgbouncer(postgres, folder) as pooler_url:  # with new sessions
        url = make_url(migrated).set(port=make_url(pooler_url).port)
        assert _check(url.render_as_string(hide_password=False)).verdict == Verdict.OK


@pytest.mark.parametrize(
    ("settings", "harmful"),
    [
        ({}, {}),
        ({"log_duration": "on"}, {}),
        ({"log_min_duration_sample": "0", "log_statement_sample_rate": "0"}, {}),
        ({"log_min_duration_statement": "0"}, {"log_parameter_max_length": "0"}),
        ({"log_parameter_max_length_on_error": "-1"}, {"log_parameter_max_length_on_error": "0"}),
        ({"auto_explain.log_min_duration": "500"}, {"auto_explain.log_min_duration": "-1"}),
        ({"pgaudit.log": "NONE", "pgaudit.role": "", "pgaudit.log_parameter": "on"}, {}),
        (
            {"pgaudit.log": "write", "pgaudit.log_parameter": "on"},
            {"pgaudit.log_parameter": "off"},
        ),
    ],
)
def test_harmful_settings(settings: dict[str, str], harmful: dict[str, str]) -> None:
    """Each setting with which values are logged has the value that prevents it."""
    assert dict(find_harmful(QUIET | settings)) == harmful
