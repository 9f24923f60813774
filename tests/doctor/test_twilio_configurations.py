"""The doctor's checks of the configurations at Twilio, simulated or scripted."""

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
from tests.support.environment import ENVIRON, ROUTE, TOKEN, serve_app
from tests.support.samples import ACCOUNT
from tests.support.scripted import Scripted, answer, problem, scripted
from tests.support.server import free_port
from tests.support.simulator.account import BY_RECORDING, CALLED_BACK_ONLY, simulated
from tests.support.stored_callbacks import record_callback

SECRET = "zQ9" * 5


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    """Yield the service's origin."""
    with serve_app(app) as origin:
        yield origin


@pytest.fixture
def twilio(origin: str) -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio whose own configurations call the service."""
    with serve(simulated(callback_url=f"{origin}{ROUTE}")) as served:
        yield served


def make_settings(url: str, origin: str, **changes: str) -> Settings:
    """Return the settings of a service at this origin, with Twilio at this URL."""
    own_settings = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": url, "PUBLIC_URL": origin}

    return load({**ENVIRON, **own_settings, **changes})


def run_check(settings: Settings, engine: Engine | None = None) -> list[Finding]:
    """Return the findings, after a check that they contain no secret."""
    findings = list(twilio_configurations.check_twilio(settings, engine))
    assert not any(
        secret in f"{finding.text}{finding.remedy}"
        for finding in findings
        for secret in (TOKEN, SECRET)
    )

    return findings


def create_configuration(twilio: SimulatorServer, **configuration: object) -> str:
    """Create a configuration at Twilio and a job with it, and return its id."""
    response = requests.post(
        f"{twilio.url}/v2/Configurations/Transcription",
        json={"unique_name": None, "configuration": configuration},
        auth=(ACCOUNT, TOKEN),
        timeout=10,
    )
    name = str(response.json()["id"])
    twilio.simulator.create(BY_RECORDING | {"transcriptionConfigurationId": name})

    return name


def test_correct_configuration_is_ok(twilio: SimulatorServer, origin: str) -> None:
    """A configuration that calls this service needs nothing, even if its job is unknown here."""
    twilio.simulator.create(BY_RECORDING)
    findings = run_check(make_settings(twilio.url, origin))
    assert [finding.verdict for finding in findings] == [Verdict.OK] * 3
    assert WITH_CONVERSATION in findings[1].text
    assert findings[2].text.endswith("is this service, without a redirect")


def test_configuration_without_a_conversation_is_a_warning(
    twilio: SimulatorServer, origin: str
) -> None:
    """Without a conversation, a lost callback would be a lost transcript."""
    twilio.simulator.create(CALLED_BACK_ONLY)
    [warning] = [f for f in run_check(make_settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.verdict == Verdict.WARN
    assert f"Set conversationConfigurationId of {CALLBACK_ONLY}" in warning.remedy


def test_configurations_of_stored_jobs_are_checked(
    twilio: SimulatorServer, origin: str, engine: Engine
) -> None:
    """The account's stored jobs name configurations too; another account's are not checked."""
    for job, account, name in (
        ("job_1", ACCOUNT, CALLBACK_ONLY),
        ("job_2", f"AC{'b' * 32}", WITH_CONVERSATION),
    ):
        document = {"id": job, "accountId": account, "status": "completed"}
        record_callback(
            engine, json.dumps({**document, "transcriptionConfigurationId": name}).encode()
        )
    texts = " ".join(f.text for f in run_check(make_settings(twilio.url, origin), engine))
    assert CALLBACK_ONLY in texts
    assert WITH_CONVERSATION not in texts


@pytest.mark.parametrize("other", ["/callbacks/transcriptions", "/", ROUTE + "/x", ROUTE.upper()])
def test_other_callback_url_fails(twilio: SimulatorServer, origin: str, other: str) -> None:
    """If no configuration calls this service, each other URL is a failure, and isn't called."""
    with serve_app(Flask("other")) as other_origin:
        for url in (f"{origin}{other}", f"{other_origin}{ROUTE}"):
            create_configuration(twilio, transcriptionStatusCallback={"url": url})
    failed = [f for f in run_check(make_settings(twilio.url, origin)) if f.verdict == Verdict.FAIL]
    assert len(failed) == 2
    assert all(f"to exactly {origin}{ROUTE}" in finding.remedy for finding in failed)


def test_other_callback_url_is_a_warning_beside_a_correct_one(
    twilio: SimulatorServer, origin: str
) -> None:
    """If one configuration calls this service, another may call another service."""
    twilio.simulator.create(BY_RECORDING)
    callback = {"url": f"https://user:{SECRET}@other.example.com/?x={SECRET}"}
    name = create_configuration(
        twilio, transcriptionStatusCallback=callback, conversationConfigurationId="conv_1"
    )
    [warning] = [f for f in run_check(make_settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.verdict == Verdict.WARN
    assert f"{name}: it calls https://other.example.com/, not {origin}{ROUTE}" in warning.text


def test_query_and_trailing_slash_are_ok(twilio: SimulatorServer, origin: str) -> None:
    """The service's URL may have a query or a slash at its end."""
    for own in (f"{ROUTE}?team=7", f"{ROUTE}/"):
        create_configuration(
            twilio,
            transcriptionStatusCallback={"url": f"{origin}{own}"},
            conversationConfigurationId="conv_1",
        )
    verdicts = {finding.verdict for finding in run_check(make_settings(twilio.url, origin))}
    assert verdicts == {Verdict.OK}


def test_url_below_a_named_prefix_is_ok() -> None:
    """The service's URL may have a prefix that PUBLIC_URL_PREFIXES names, and no other."""
    callback = {"url": f"https://app.example.com/voice{ROUTE}"}
    configuration = {"transcriptionStatusCallback": callback}
    for prefixes, verdict in ((("/voice",), Verdict.OK), (("/", "/a"), Verdict.FAIL)):
        finding, *_ = check_configurations(
            {"calls": configuration}, "https://app.example.com", prefixes=prefixes
        )
        assert finding.verdict == verdict


def test_missing_callback_is_a_warning(twilio: SimulatorServer, origin: str) -> None:
    """A configuration without a callback is a warning, even with a conversation."""
    name = create_configuration(twilio, conversationConfigurationId="conv_1")
    [warning] = [f for f in run_check(make_settings(twilio.url, origin)) if f.verdict != Verdict.OK]
    assert warning.remedy.startswith(f"Set transcriptionStatusCallback of {name}")


@pytest.mark.parametrize("public_url", ["https://app.example.com", None])
def test_transcripts_that_go_nowhere_fail(public_url: str | None) -> None:
    """Without a callback and a conversation, nobody gets a transcript.

    It is only a warning if another configuration calls this service, or may do so.
    """
    nowhere: dict[str, object] = {"transcriptionStatusCallback": {}}
    finding, _ = check_configurations({"nowhere": nowhere}, public_url)
    assert finding.verdict == Verdict.FAIL
    own = {"transcriptionStatusCallback": {"url": f"https://app.example.com{ROUTE}"}}
    finding, *_ = check_configurations({"nowhere": nowhere, "own": own}, public_url)
    assert finding.verdict == Verdict.WARN


def test_password_in_the_url_is_compared_but_not_shown() -> None:
    """The signature covers user and password, so they are compared."""
    other_origin = f"https://user:{SECRET}@app.example.com"
    configuration = {"transcriptionStatusCallback": {"url": f"{other_origin}{ROUTE}"}}
    finding, _ = check_configurations({"calls": configuration}, "https://app.example.com")
    assert finding.verdict == Verdict.FAIL
    assert "with another user and password" in finding.text
    assert SECRET not in finding.text + finding.remedy


def test_other_method_fails(origin: str) -> None:
    """The callback's method must be POST."""
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
def test_redirect_or_other_application_fails(
    scripted_twilio: Scripted, status: int, headers: dict[str, str], remedy: str
) -> None:
    """A redirect at PUBLIC_URL, or another application there, is a failure."""
    scripted_twilio.answers(Response(status=status, headers=headers))
    configuration = {"transcriptionStatusCallback": {"url": f"{scripted_twilio.url}{ROUTE}"}}
    *_, finding = check_configurations({"calls": configuration}, scripted_twilio.url)
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
    """The remedy names the credential that was refused: token or API key."""
    with scripted() as scripted_twilio:
        scripted_twilio.answers(problem(status, 20003, detail="Authenticate"))
        [finding] = run_check(
            make_settings(scripted_twilio.url, "https://app.example.com", **changes)
        )
    assert finding.verdict == Verdict.FAIL
    assert finding.remedy.startswith(remedy)
    assert len(scripted_twilio.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 302])
def test_unusable_answer_of_twilio_is_a_warning(status: int) -> None:
    """After a 429, a 500 or a redirect nothing is known, and no other server is called."""
    with scripted() as scripted_twilio:
        scripted_twilio.answers(answer({}, status, Location="http://127.0.0.1:1/"))
        [finding] = run_check(make_settings(scripted_twilio.url, "https://app.example.com"))
    assert finding.verdict == Verdict.WARN


def test_unreachable_twilio_is_a_warning() -> None:
    """The remedy says that this machine must reach Twilio."""
    unavailable = make_settings(f"http://127.0.0.1:{free_port()}", "https://app.example.com")
    [finding] = run_check(unavailable)
    assert finding.verdict == Verdict.WARN
    assert finding.remedy.startswith("Check that this machine can reach")


def make_page(*names: object) -> dict[str, object]:
    """Return a page of jobs with these configurations."""
    jobs = [{"transcriptionConfigurationId": name} for name in names]

    return {"transcriptions": jobs, "meta": {"key": "transcriptions"}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"configuration": None},
        {"configuration": []},
        {"configuration": {"transcriptionStatusCallback": 1}},
        {"configuration": {"transcriptionStatusCallback": {"url": 1, "method": 2}}},
        {"configuration": {"transcriptionStatusCallback": {"url": "http://[\x1b", "method": "é"}}},
    ],
)
def test_invalid_configuration_is_no_crash(
    scripted_twilio: Scripted, document: dict[str, object]
) -> None:
    """An invalid configuration doesn't crash the doctor, and no control character is printed."""
    scripted_twilio.answers(answer(make_page("calls", "../x", None, 7)), answer(document))
    findings = run_check(make_settings(scripted_twilio.url, "https://app.example.com"))
    assert findings[0].verdict == Verdict.OK
    assert all(finding.text.isprintable() for finding in findings)


def test_deleted_configuration_is_skipped(scripted_twilio: Scripted) -> None:
    """A deleted configuration, which old jobs may still name, is skipped."""
    scripted_twilio.answers(answer(make_page("calls")), problem(404, 20404))
    *_, last = run_check(make_settings(scripted_twilio.url, "https://app.example.com"))
    assert last.verdict == Verdict.OK
    assert "none to check" in last.text


def test_at_most_ten_configurations_are_checked(scripted_twilio: Scripted) -> None:
    """At most ten configurations are fetched, so that the doctor ends soon."""
    scripted_twilio.answers(answer(make_page(*map(str, range(100)))), problem(404, 20404))
    run_check(make_settings(scripted_twilio.url, "https://app.example.com"))
    assert len(scripted_twilio.asked) == 11


def test_missing_credentials_are_ok() -> None:
    """Without credentials no call is made, and the finding names the setting."""
    [finding] = run_check(load(ENVIRON))
    assert finding.verdict == Verdict.OK
    assert "TWILIO_ACCOUNT_SID" in finding.text
