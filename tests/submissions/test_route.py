"""POST /v3/Transcriptions, with the simulated Twilio behind it."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request, Response

from app import create_app
from receiver.runtime.deadline import REQUEST_SECONDS
from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import SimulatorServer, serve
from tests.support.environment import PUBLIC_URL, TOKEN
from tests.support.scripted import Scripted, accepted, answer, problem
from tests.support.server import TIMEOUT_SECONDS, free_port
from tests.support.simulator.account import ACCOUNT, BY_RECORDING, BY_URL, recording, simulated
from tests.support.stored_callbacks import json_of

READER = ("reader", "reader-secret")
WRITER = ("writer", "writer-secret")


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Add a key that may write, and an account at Twilio where nobody listens."""
    return environ | {
        "API_KEYS": "reader:reader-secret,writer:writer-secret:write",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


def _app(
    environ: dict[str, str], url: str, *, request_seconds: float = REQUEST_SECONDS
) -> Iterator[Flask]:
    app = create_app(environ | {"TWILIO_BASE_URL": url}, request_seconds=request_seconds)
    yield app
    services_of(app).engine.dispose()


@pytest.fixture
def client(environ: dict[str, str], twilio: SimulatorServer) -> Iterator[FlaskClient]:
    """Yield a client of the service before the simulated Twilio."""
    for app in _app(environ, twilio.url):
        yield app.test_client()


@pytest.fixture
def scripted_client(environ: dict[str, str], scripted_twilio: Scripted) -> Iterator[FlaskClient]:
    """Yield a client of the service before a Twilio that answers what the test says."""
    for app in _app(environ, scripted_twilio.url):
        yield app.test_client()


def create(
    client: FlaskClient,
    document: Any,
    *,
    key: str | None = None,
    auth: tuple[str, str] | None = WRITER,
) -> TestResponse:
    """Ask for a transcription."""
    headers = {"Idempotency-Key": key} if key is not None else {}

    return client.post("/v3/Transcriptions", json=document, headers=headers, auth=auth)


def test_the_answer_is_twilios_with_our_addresses(
    client: FlaskClient, twilio: SimulatorServer
) -> None:
    """202, a Location, and the job, PENDING, whose addresses lead here."""
    response = create(client, BY_RECORDING)
    assert response.status_code == 202
    told_of = json_of(response)
    [job] = twilio.simulator.job_store.newest_first()
    url = f"{PUBLIC_URL}/v3/Transcriptions/{job.id}"
    assert told_of["status"] == "PENDING"
    assert response.headers["Location"] == told_of["statusUrl"] == url
    assert told_of["transcription"]["url"] == url
    assert told_of["transcription"]["id"] == job.id
    assert told_of["transcription"]["participants"] == BY_RECORDING["participants"]
    assert UUID(response.headers["Idempotency-Key"]).version == 7


def test_the_job_can_be_read_at_once(client: FlaskClient) -> None:
    """What Location names is there, with `Retry-After`."""
    location = create(client, BY_URL).headers["Location"]
    fetched = client.get(location.removeprefix(PUBLIC_URL), auth=READER)
    assert fetched.status_code == 200
    assert json_of(fetched)["status"] == "PENDING"
    assert json_of(fetched)["transcription"]["receivedAt"] is None
    assert "Retry-After" in fetched.headers


def test_a_repeat_gets_the_same_answer(client: FlaskClient, twilio: SimulatorServer) -> None:
    """The same key and request, however they are written, are answered alike by one job."""
    first = create(client, BY_RECORDING, key="key-1")
    again = create(client, dict(reversed(BY_RECORDING.items())), key="key-1")
    assert again.status_code == 202
    assert json_of(again) == json_of(first)
    assert again.headers["Idempotency-Key"] == "key-1"
    assert len(twilio.simulator.job_store.newest_first()) == 1


def test_a_repeat_without_a_key_is_another_job(
    client: FlaskClient, twilio: SimulatorServer
) -> None:
    """It was asked for twice."""
    assert json_of(create(client, BY_RECORDING)) != json_of(create(client, BY_RECORDING))
    assert len(twilio.simulator.job_store.newest_first()) == 2


def test_a_key_with_another_request_is_refused(
    client: FlaskClient, twilio: SimulatorServer
) -> None:
    """Twilio's 17534, and Twilio isn't asked."""
    create(client, BY_RECORDING, key="key-1")
    response = create(client, BY_RECORDING | {"sourceId": recording(2)}, key="key-1")
    assert (response.status_code, json_of(response)["code"]) == (422, 17534)
    assert len(twilio.simulator.job_store.newest_first()) == 1


def test_a_reader_may_not_submit(client: FlaskClient, twilio: SimulatorServer) -> None:
    """403 for a key without `write`, 401 without a key, whatever is sent."""
    refused = create(client, {}, auth=READER)
    assert (refused.status_code, json_of(refused)["code"]) == (403, 20006)
    assert "name:secret:write" in json_of(refused)["detail"]
    assert create(client, BY_RECORDING, auth=None).status_code == 401
    assert twilio.simulator.job_store.newest_first() == []


def test_faults_are_told_before_twilio_is_asked(environ: dict[str, str]) -> None:
    """A 400 has Twilio's code and points at each fault; nobody listens where Twilio should be."""
    for app in _app(environ, environ["TWILIO_BASE_URL"]):
        response = create(app.test_client(), {"sourceId": "RE1", "else": 1})
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 17501
    assert [fault["pointer"] for fault in json_of(response)["errors"]] == [
        "/transcriptionConfigurationId",
        "/sourceId",
        "/else",
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 60_000, b"1", b"null"])
def test_what_is_no_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    """400, and no fault of ours."""
    response = client.post("/v3/Transcriptions", data=body, auth=WRITER)
    assert (response.status_code, json_of(response)["code"]) == (400, 20001)


def test_a_body_has_a_limit(client: FlaskClient) -> None:
    """64 KiB are read, one byte more is 413."""
    fits = json.dumps(BY_RECORDING).encode().ljust(64 * 1024)
    for body, status in ((fits, 202), (fits + b" ", 413)):
        response = client.post("/v3/Transcriptions", data=body, auth=WRITER)
        assert response.status_code == status


@pytest.mark.parametrize("key", ["", "a" * 129, "ä", "a\tb", "resubmit-", "resubmit-job_1"])
def test_a_key_that_cannot_be_kept_is_refused(client: FlaskClient, key: str) -> None:
    """It has 1 to 128 printable ASCII characters, as at Twilio, and isn't one of our own."""
    response = create(client, BY_RECORDING, key=key)
    assert response.status_code == 400
    assert "Idempotency-Key" in json_of(response)["detail"]
    assert "Idempotency-Key" not in response.headers


def test_the_longest_key_is_taken(client: FlaskClient) -> None:
    """By Twilio too."""
    assert create(client, BY_RECORDING, key="a" * 128).status_code == 202


def test_a_conversation_needs_participants(client: FlaskClient, twilio: SimulatorServer) -> None:
    """For a mediaUrl whose configuration stores into a conversation they are required (17510)."""
    nobody = {name: value for name, value in BY_URL.items() if name != "participants"}
    for none in (nobody, nobody | {"participants": []}):
        refused = create(client, none)
        assert (refused.status_code, json_of(refused)["code"]) == (400, 17510)
        assert json_of(refused)["errors"][0]["pointer"] == "/participants"
    assert nobody["transcriptionConfigurationId"] == WITH_CONVERSATION
    taken = create(client, nobody | {"transcriptionConfigurationId": CALLBACK_ONLY})
    assert taken.status_code == 202
    inferred = create(client, {**BY_RECORDING, "participants": None})
    assert inferred.status_code == 202
    assert len(twilio.simulator.job_store.newest_first()) == 2


def test_twilios_refusal_passes_through(client: FlaskClient) -> None:
    """With its status, code and errors, whose pointers are written as ours."""
    unknown = f"voice_transcriptionconfiguration_{'0' * 26}"
    response = create(client, BY_RECORDING | {"transcriptionConfigurationId": unknown})
    assert (response.status_code, json_of(response)["code"]) == (400, 17530)
    assert json_of(response)["errors"][0]["pointer"] == "/transcriptionConfigurationId"
    missing = create(client, BY_RECORDING | {"sourceId": f"RE20404{'0' * 27}"})
    assert (missing.status_code, json_of(missing)["code"]) == (404, 20404)


@pytest.mark.parametrize("status", [401, 403])
def test_our_own_credentials_are_not_the_clients_fault(
    scripted_client: FlaskClient, scripted_twilio: Scripted, status: int
) -> None:
    """If Twilio doesn't know the service that is a 502, and tells no secret."""
    scripted_twilio.answers(problem(status, 20003, detail="Authenticate"))
    response = create(scripted_client, BY_RECORDING)
    assert (response.status_code, json_of(response)["code"]) == (502, 20003)
    assert TOKEN not in response.text


@pytest.mark.parametrize(
    "reply",
    [
        problem(400, 17530, errors=[{"detail": "No such thing."}]),
        problem(404, 20404),
        problem(401, 20003),
        answer({}, 429),
        Response(status=500),
        answer({"transcription": {"id": "job_1"}}, 202),
    ],
)
def test_every_answer_tells_the_key(
    scripted_client: FlaskClient, scripted_twilio: Scripted, reply: Response
) -> None:
    """Whatever comes of it, the key that was made here is what a repeat needs."""
    scripted_twilio.answers(reply)
    response = create(scripted_client, BY_RECORDING)
    assert response.status_code >= 400
    assert UUID(response.headers["Idempotency-Key"]).version == 7


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"{}", 400), (b"{}".ljust(64 * 1024 + 1), 413)]
)
def test_a_request_that_is_wrong_keeps_its_key(
    client: FlaskClient, body: bytes, status: int
) -> None:
    """It is told as it came."""
    response = client.post(
        "/v3/Transcriptions", data=body, auth=WRITER, headers={"Idempotency-Key": "key-1"}
    )
    assert (response.status_code, response.headers["Idempotency-Key"]) == (status, "key-1")


def test_a_fault_of_the_whole_points_nowhere(client: FlaskClient) -> None:
    """Its detail is told as it is."""
    response = create(client, {"transcriptionConfigurationId": CALLBACK_ONLY})
    assert json_of(response)["detail"] == "Either sourceId or mediaUrl must be given."


def test_what_nobody_can_know_is_not_asked_again(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """A day after an ask without an answer a repeat is a 409, and Twilio isn't asked."""
    scripted_twilio.answers(Response(status=500))
    create(scripted_client, BY_RECORDING, key="key-1")
    with services_of(scripted_client.application).engine.connect() as connection:
        connection.exec_driver_sql("UPDATE submissions SET created_at = '2026-04-02T12:00:00Z'")
    response = create(scripted_client, BY_RECORDING, key="key-1")
    assert (response.status_code, response.headers["Idempotency-Key"]) == (409, "key-1")
    assert "2026-04-02T12:00:00Z" in json_of(response)["detail"]
    assert len(scripted_twilio.asked) == 1


def test_a_repeat_is_no_matter_of_the_configuration(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """What was taken without participants is answered as it was, and Twilio isn't asked again."""
    scripted_twilio.answers(
        answer({"configuration": {}}),
        accepted(),
        answer({"configuration": {"conversationConfigurationId": "x"}}),
    )
    nobody = {name: value for name, value in BY_URL.items() if name != "participants"}
    for _ in range(2):
        assert create(scripted_client, nobody, key="key-1").status_code == 202
    assert create(scripted_client, nobody, key="key-2").status_code == 400
    assert len(scripted_twilio.asked) == 3


def test_a_slow_configuration_leaves_time_to_submit(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """If Twilio doesn't say whether it needs participants, it says so when it refuses."""
    answered = threading.Event()

    def reply(request: Request) -> Response:
        if request.method == "GET":
            answered.wait(TIMEOUT_SECONDS)
        return accepted()

    scripted_twilio.answers(reply)
    nobody = {name: value for name, value in BY_URL.items() if name != "participants"}
    assert create(scripted_client, nobody).status_code == 202
    answered.set()
    assert [asked.method for asked in scripted_twilio.asked] == ["GET", "POST"]


@pytest.mark.parametrize(("told_to_wait", "waits"), [("7", "7"), (None, "10")])
def test_busy_passes_through(
    scripted_client: FlaskClient, scripted_twilio: Scripted, told_to_wait: str | None, waits: str
) -> None:
    """429 with Twilio's Retry-After, or ours where it has none."""
    headers = {"Retry_After": told_to_wait} if told_to_wait else {}
    scripted_twilio.answers(answer({}, 429, **headers), accepted())
    response = create(scripted_client, BY_RECORDING, key="key-1")
    assert (response.status_code, response.headers["Retry-After"]) == (429, waits)
    assert create(scripted_client, BY_RECORDING, key="key-1").status_code == 202


def test_no_answer_tells_how_to_repeat(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """503 with Retry-After and with the key, made here or not, that makes a repeat safe."""
    scripted_twilio.answers(Response(status=500), accepted())
    response = create(scripted_client, BY_RECORDING)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    key = response.headers["Idempotency-Key"]
    assert key in json_of(response)["detail"]
    assert create(scripted_client, BY_RECORDING, key=key).status_code == 202
    assert [asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked] == [key, key]


def test_an_unusable_answer_is_told(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """502 names the job and says not to submit it again."""
    scripted_twilio.answers(answer({"transcription": {"id": "job_1"}}, 202))
    response = create(scripted_client, BY_RECORDING)
    assert response.status_code == 502
    assert "job_1" in json_of(response)["detail"]


def test_without_credentials_it_says_what_is_missing(environ: dict[str, str]) -> None:
    """501 names the variables."""
    for app in _app(environ | {"TWILIO_ACCOUNT_SID": ""}, ""):
        response = create(app.test_client(), BY_RECORDING)
    assert response.status_code == 501
    assert "TWILIO_API_KEY" in json_of(response)["detail"]


def test_a_database_that_is_away_is_told(environ: dict[str, str], twilio: SimulatorServer) -> None:
    """503: nothing was asked of Twilio, for the intent could not be written down."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"postgresql://nobody@127.0.0.1:{closed.getsockname()[1]}/none"
        for app in _app(environ | {"DATABASE_URL": away}, twilio.url, request_seconds=1.0):
            response = create(app.test_client(), BY_RECORDING)
    assert response.status_code == 503
    assert "The database" in json_of(response)["detail"]
    assert twilio.simulator.job_store.newest_first() == []
