"""What the doctor asks of Twilio, simulated, about its configurations."""

import json
from collections.abc import Iterator

import pytest
import requests
from flask import Flask
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from receiver.doctor import twilio_configurations
from receiver.doctor.configuration_checks import check_configurations
from receiver.doctor.finding import Finding, Verdict
from receiver.settings.config import Settings, load
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import SimulatorServer, serve
from tests.support.environment import ENVIRON, TOKEN, serve_app
from tests.support.scripted import Scripted, answer, problem, scripted
from tests.support.server import free_port
from tests.support.simulator.account import (
    ACCOUNT,
    BY_RECORDING,
    CALLED_BACK_ONLY,
    simulated,
)
from tests.support.stored_callbacks import record_callback

ROUTE = "/callbacks/transcription"
SECRET = "zQ9" * 5


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    """Yield the origin at which the service answers."""
    with serve_app(app) as origin:
        yield origin


@pytest.fixture
def twilio(origin: str) -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio whose own configurations call the service."""
    with serve(simulated(callback_url=f"{origin}{ROUTE}")) as served:
        yield served


@pytest.fixture
def scripted_twilio() -> Iterator[Scripted]:
    """Yield a Twilio that answers what the test says."""
    with scripted() as twilio:
        yield twilio


def settings(url: str, origin: str, **changes: str) -> Settings:
    """Return the settings of a service at that origin, with that Twilio."""
    ours = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": url, "PUBLIC_URL": origin}

    return load({**ENVIRON, **ours, **changes})


def examine(known: Settings, engine: Engine | None = None) -> list[Finding]:
    """Return what is found, in which no secret may be."""
    findings = list(twilio_configurations.check_twilio(known, engine))
    assert not any(
        secret in f"{finding.text}{finding.remedy}"
        for finding in findings
        for secret in (TOKEN, SECRET)
    )

    return findings


def configure(twilio: SimulatorServer, **configuration: object) -> str:
    """Make a configuration at Twilio and a job of it, and return its id."""
    made = requests.post(
        f"{twilio.url}/v2/Configurations/Transcription",
        json={"unique_name": None, "configuration": configuration},
        auth=(ACCOUNT, TOKEN),
        timeout=10,
    )
    name = str(made.json()["id"])
    twilio.simulator.create(BY_RECORDING | {"transcriptionConfigurationId": name})

    return name


def test_all_is_well(twilio: SimulatorServer, origin: str) -> None:
    """A configuration that calls us, of a job that we never heard of, needs nothing."""
    twilio.simulator.create(BY_RECORDING)
    findings = examine(settings(twilio.url, origin))
    assert [finding.verdict for finding in findings] == [Verdict.OK] * 3
    assert WITH_CONVERSATION in findings[1].text
    assert findings[2].text.endswith("is this service, without a redirect")


def test_without_a_conversation_it_warns(twilio: SimulatorServer, origin: str) -> None:
    """A lost callback would be a lost transcript."""
    twilio.simulator.create(CALLED_BACK_ONLY)
    [warning] = [f for f in examine(settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.verdict == Verdict.WARN
    assert f"Set conversationConfigurationId of {CALLBACK_ONLY}" in warning.remedy


def test_configurations_of_stored_jobs_are_asked_for(
    twilio: SimulatorServer, origin: str, engine: Engine
) -> None:
    """A job here names one that no job at Twilio names; another account's isn't asked for."""
    for job, account, name in (
        ("job_1", ACCOUNT, CALLBACK_ONLY),
        ("job_2", f"AC{'b' * 32}", WITH_CONVERSATION),
    ):
        told = {"id": job, "accountId": account, "status": "completed"}
        record_callback(engine, json.dumps({**told, "transcriptionConfigurationId": name}).encode())
    said = " ".join(f.text for f in examine(settings(twilio.url, origin), engine))
    assert CALLBACK_ONLY in said
    assert WITH_CONVERSATION not in said


@pytest.mark.parametrize("other", ["/callbacks/transcriptions", "/", ROUTE + "/x", ROUTE.upper()])
def test_another_url_fails(twilio: SimulatorServer, origin: str, other: str) -> None:
    """Where no configuration calls us, that costs every callback; theirs isn't requested."""
    with serve_app(Flask("theirs")) as theirs:
        for url in (f"{origin}{other}", f"{theirs}{ROUTE}"):
            configure(twilio, transcriptionStatusCallback={"url": url})
    failed = [f for f in examine(settings(twilio.url, origin)) if f.verdict == Verdict.FAIL]
    assert len(failed) == 2
    assert all(f"to exactly {origin}{ROUTE}" in finding.remedy for finding in failed)


def test_another_services_is_a_warning(twilio: SimulatorServer, origin: str) -> None:
    """Where one configuration calls us, another may well call somebody else."""
    twilio.simulator.create(BY_RECORDING)
    callback = {"url": f"https://user:{SECRET}@other.example.com/?x={SECRET}"}
    name = configure(
        twilio, transcriptionStatusCallback=callback, conversationConfigurationId="conv_1"
    )
    [warning] = [f for f in examine(settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.verdict == Verdict.WARN
    assert f"{name}: it calls https://other.example.com/, not {origin}{ROUTE}" in warning.text


def test_a_query_is_the_customers_own(twilio: SimulatorServer, origin: str) -> None:
    """Our URL with a query, or a slash at its end, is ours."""
    for own in (f"{ROUTE}?team=7", f"{ROUTE}/"):
        configure(
            twilio,
            transcriptionStatusCallback={"url": f"{origin}{own}"},
            conversationConfigurationId="conv_1",
        )
    verdicts = {finding.verdict for finding in examine(settings(twilio.url, origin))}
    assert verdicts == {Verdict.OK}


def test_one_without_a_callback_is_told(twilio: SimulatorServer, origin: str) -> None:
    """It calls nobody, though its conversation keeps the transcript."""
    name = configure(twilio, conversationConfigurationId="conv_1")
    [warning] = [f for f in examine(settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.remedy.startswith(f"Set transcriptionStatusCallback of {name}")


def test_a_password_of_the_url_is_compared_and_not_shown() -> None:
    """The signature speaks of it, too."""
    theirs = f"https://user:{SECRET}@app.example.com"
    inner = {"transcriptionStatusCallback": {"url": f"{theirs}{ROUTE}"}}
    finding, _ = check_configurations({"calls": inner}, "https://app.example.com")
    assert finding.verdict == Verdict.FAIL
    assert "with another user and password" in finding.text
    assert SECRET not in finding.text + finding.remedy


def test_another_method_fails(origin: str) -> None:
    """The callback's route takes POST alone."""
    callback = {"url": f"{origin}{ROUTE}", "method": "GET"}
    _, finding, *_ = check_configurations(
        {"calls": {"transcriptionStatusCallback": callback}}, origin
    )
    assert finding.verdict == Verdict.FAIL
    assert "to POST" in finding.remedy


@pytest.mark.parametrize(
    ("status", "headers", "remedy"),
    [
        (301, {"Location": "https://app.example.com/"}, "Set PUBLIC_URL to the target"),
        (404, {}, "Correct PUBLIC_URL"),
        (405, {}, "Correct PUBLIC_URL"),
        (200, {}, "Correct PUBLIC_URL"),
    ],
)
def test_what_stands_in_front_is_found(
    scripted_twilio: Scripted, status: int, headers: dict[str, str], remedy: str
) -> None:
    """A redirect of our own address, or another application there, fails."""
    scripted_twilio.answers(Response(status=status, headers=headers))
    inner = {"transcriptionStatusCallback": {"url": f"{scripted_twilio.url}{ROUTE}"}}
    *_, finding = check_configurations({"calls": inner}, scripted_twilio.url)
    assert finding.verdict == Verdict.FAIL
    assert finding.remedy.startswith(remedy)
    assert [asked.path for asked in scripted_twilio.asked] == [ROUTE]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({}, "Copy the auth token of the account"),
        (
            {"TWILIO_API_KEY": f"SK{'1' * 32}", "TWILIO_API_SECRET": SECRET},
            "Create an API key",
        ),
    ],
)
def test_refused_credentials_fail(status: int, changes: dict[str, str], remedy: str) -> None:
    """The remedy is that of what was presented: token or API key."""
    with scripted() as scripted_twilio:
        scripted_twilio.answers(problem(status, 20003, detail="Authenticate"))
        [finding] = examine(settings(scripted_twilio.url, "https://app.example.com", **changes))
    assert finding.verdict == Verdict.FAIL
    assert finding.remedy.startswith(remedy)
    assert len(scripted_twilio.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 302])
def test_a_twilio_that_does_not_answer_is_a_warning(status: int) -> None:
    """Nothing is known then, and the credentials go nowhere else."""
    with scripted() as scripted_twilio:
        scripted_twilio.answers(answer({}, status, Location="http://127.0.0.1:1/"))
        [finding] = examine(settings(scripted_twilio.url, "https://app.example.com"))
    assert finding.verdict == Verdict.WARN


def test_nobody_there_is_a_warning() -> None:
    """It says that this machine has to reach Twilio."""
    away = settings(f"http://127.0.0.1:{free_port()}", "https://app.example.com")
    [finding] = examine(away)
    assert finding.verdict == Verdict.WARN
    assert finding.remedy.startswith("Check that this machine can reach")


def page(*names: object) -> dict[str, object]:
    """Return a page of jobs that name the configurations."""
    jobs = [{"transcriptionConfigurationId": name} for name in names]

    return {"transcriptions": jobs, "meta": {"key": "transcriptions"}}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"configuration": None},
        {"configuration": []},
        {"configuration": {"transcriptionStatusCallback": 1}},
        {"configuration": {"transcriptionStatusCallback": {"url": 1, "method": 2}}},
        {"configuration": {"transcriptionStatusCallback": {"url": "http://[\x1b", "method": "é"}}},
    ],
)
def test_whatever_twilio_tells_is_no_crash(
    scripted_twilio: Scripted, told: dict[str, object]
) -> None:
    """It is judged, or passed over, and nothing in it reaches the terminal as it is."""
    scripted_twilio.answers(answer(page("calls", "../x", None, 7)), answer(told))
    findings = examine(settings(scripted_twilio.url, "https://app.example.com"))
    assert findings[0].verdict == Verdict.OK
    assert all(finding.text.isprintable() for finding in findings)


def test_what_is_gone_at_twilio_is_passed_over(scripted_twilio: Scripted) -> None:
    """A configuration that old jobs name may have been deleted."""
    scripted_twilio.answers(answer(page("calls")), problem(404, 20404))
    *_, last = examine(settings(scripted_twilio.url, "https://app.example.com"))
    assert last.verdict == Verdict.OK
    assert "none to check" in last.text


def test_no_more_than_ten_are_asked_for(scripted_twilio: Scripted) -> None:
    """The doctor ends in time."""
    scripted_twilio.answers(answer(page(*map(str, range(100)))), problem(404, 20404))
    examine(settings(scripted_twilio.url, "https://app.example.com"))
    assert len(scripted_twilio.asked) == 11


def test_without_credentials_it_says_what_could_be_done() -> None:
    """One line, and nothing is asked."""
    [finding] = examine(load(ENVIRON))
    assert finding.verdict == Verdict.OK
    assert "TWILIO_ACCOUNT_SID" in finding.text
