"""Tests of the doctor's check of the endpoints of push."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import Engine, text

from receiver.doctor.finding import Verdict
from receiver.doctor.push import check_push
from receiver.settings.config import Settings, load
from tests.doctor.test_doctor import run_doctor
from tests.support.environment import open_engine
from tests.support.push_receiver import SECRET, PushReceiver


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """Return settings with one endpoint."""
    receiver = PushReceiver(secrets=[SECRET], url="https://orders.example.com/hook")

    return load(environ | receiver.environ())


@pytest.mark.parametrize(
    ("columns", "expected", "remedy"),
    [
        ({}, "it had everything at", ""),
        ({"caught_up_at": "now() - interval '1 hour'"}, "no process sends to it now", "process"),
        (
            {
                "caught_up_at": "now() - interval '1 hour'",
                "claimed_until": "now() + interval '1 minute'",
            },
            "it had everything at",
            "answer faster",
        ),
        (
            {"failures": "2", "failing_job_id": "'job'", "last_error": "'answered 500'"},
            "at the job job: answered 500 (2 attempts",
            "push skip orders",
        ),
        (
            {"disabled_at": "now()", "last_error": "'answered 410'"},
            "disabled",
            "push resume orders",
        ),
    ],
)
def test_endpoint_is_named_with_its_state(
    settings: Settings, engine: Engine, columns: dict[str, str], expected: str, remedy: str
) -> None:
    """A warning says what is wrong with an endpoint, and what to do."""
    values = {"name": "'orders'", "caught_up_at": "now()", "failing_since": "now()", **columns}
    names, sources = ", ".join(values), ", ".join(values.values())
    with engine.connect() as connection:
        connection.execute(text(f"INSERT INTO push_endpoints ({names}) SELECT {sources}"))
    [finding] = check_push(settings, engine)
    assert finding.text.startswith("push to orders: ")
    assert expected in finding.text
    assert remedy in finding.remedy
    assert finding.verdict == (Verdict.WARN if remedy else Verdict.OK)


def test_endpoint_that_was_never_started_is_named(settings: Settings, engine: Engine) -> None:
    """An endpoint of the settings to which nothing was ever sent is a warning."""
    [finding] = check_push(settings, engine)
    assert (finding.verdict, "never started" in finding.text) == (Verdict.WARN, True)


def test_setting_that_push_lacks_is_named(settings: Settings, engine: Engine) -> None:
    """Without PUBLIC_URL, `push` ends at its start, so the doctor names the setting first."""
    first, second = check_push(replace(settings, public_url=None), engine)
    assert first.verdict is Verdict.WARN
    assert "PUBLIC_URL is not set" in first.text
    assert "never started" in second.text


def test_push_and_search_that_cannot_be_checked_are_failures(
    settings: Settings, admin: psycopg.Connection, role: str, role_url: str
) -> None:
    """The doctor says of push that it isn't checked, and goes on with the search."""
    admin.execute(f"REVOKE ALL ON push_endpoints, search_progress FROM {role}")
    with open_engine(role_url) as engine:
        sound, output = run_doctor(replace(settings, search=True), engine)
    assert not sound
    for subject in ("push", "search"):
        assert f"FAIL  {subject}: not checked: InsufficientPrivilege 42501" in output
