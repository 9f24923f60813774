"""POST /v3/Transcriptions: what the client gets for each answer of Twilio, or without one."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Request, Response

from receiver.services import services_of
from tests.support.environment import TOKEN
from tests.support.scripted import Scripted, accepted, answer, problem
from tests.support.server import TIMEOUT_SECONDS
from tests.support.simulator.account import BY_RECORDING, BY_URL
from tests.support.stored_callbacks import json_of
from tests.support.submitting import create, open_app


@pytest.fixture
def scripted_client(environ: dict[str, str], scripted_twilio: Scripted) -> Iterator[FlaskClient]:
    """Yield a client of the service, which calls the scripted Twilio."""
    with open_app(environ, scripted_twilio.url) as app:
        yield app.test_client()


@pytest.fixture
def impatient_client(environ: dict[str, str], scripted_twilio: Scripted) -> Iterator[FlaskClient]:
    """Yield a client of a service with less time: enough to repeat a failed call twice."""
    with open_app(environ, scripted_twilio.url, request_seconds=4) as app:
        yield app.test_client()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_a_502(
    scripted_client: FlaskClient, scripted_twilio: Scripted, status: int
) -> None:
    """If Twilio refuses the service's own credentials, the client gets a 502 without a secret."""
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
def test_every_error_has_the_key(
    impatient_client: FlaskClient, scripted_twilio: Scripted, reply: Response
) -> None:
    """Every error has the generated key in its header, because a repeat needs it."""
    scripted_twilio.answers(reply)
    response = create(impatient_client, BY_RECORDING)
    assert response.status_code >= 400
    assert UUID(response.headers["Idempotency-Key"]).version == 7


def test_expired_intent_is_not_sent_again(
    impatient_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """A day after an unanswered request, a repeat is a 409 without a call to Twilio."""
    scripted_twilio.answers(Response(status=500))
    create(impatient_client, BY_RECORDING, key="key-1")
    asked_count = len(scripted_twilio.asked)
    with services_of(impatient_client.application).engine.connect() as connection:
        connection.exec_driver_sql("UPDATE submissions SET created_at = '2026-04-02T12:00:00Z'")
    response = create(impatient_client, BY_RECORDING, key="key-1")
    assert (response.status_code, response.headers["Idempotency-Key"]) == (409, "key-1")
    assert "2026-04-02T12:00:00Z" in json_of(response)["detail"]
    assert len(scripted_twilio.asked) == asked_count


def test_repeat_does_not_read_the_configuration(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """A repeat gets the same answer, even if the configuration requires participants now."""
    scripted_twilio.answers(
        answer({"configuration": {}}),
        accepted(),
        answer({"configuration": {"conversationConfigurationId": "x"}}),
    )
    without_participants = {name: value for name, value in BY_URL.items() if name != "participants"}
    for _ in range(2):
        assert create(scripted_client, without_participants, key="key-1").status_code == 202
    assert create(scripted_client, without_participants, key="key-2").status_code == 400
    assert len(scripted_twilio.asked) == 3


def test_slow_configuration_leaves_time_to_submit(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """If the configuration doesn't arrive in time, the job is submitted without the check."""
    answered = threading.Event()

    def reply(request: Request) -> Response:
        if request.method == "GET":
            answered.wait(TIMEOUT_SECONDS)
        return accepted()

    scripted_twilio.answers(reply)
    without_participants = {name: value for name, value in BY_URL.items() if name != "participants"}
    assert create(scripted_client, without_participants).status_code == 202
    answered.set()
    assert [asked.method for asked in scripted_twilio.asked] == ["GET", "POST"]


@pytest.mark.parametrize(("retry_after", "expected"), [("7", "7"), (None, "10")])
def test_429_is_forwarded(
    scripted_client: FlaskClient, scripted_twilio: Scripted, retry_after: str | None, expected: str
) -> None:
    """A 429 has Twilio's Retry-After, or a default if Twilio sends none."""
    headers = {"Retry_After": retry_after} if retry_after else {}
    scripted_twilio.answers(answer({}, 429, **headers), accepted())
    response = create(scripted_client, BY_RECORDING, key="key-1")
    assert (response.status_code, response.headers["Retry-After"]) == (429, expected)
    assert create(scripted_client, BY_RECORDING, key="key-1").status_code == 202


def test_unanswered_request_can_be_repeated(
    impatient_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """A 503 has Retry-After and the key, generated or not, that makes a repeat safe."""
    scripted_twilio.answers(Response(status=500))
    response = create(impatient_client, BY_RECORDING)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    key = response.headers["Idempotency-Key"]
    assert key in json_of(response)["detail"]
    scripted_twilio.answers(accepted())
    assert create(impatient_client, BY_RECORDING, key=key).status_code == 202
    assert {asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked} == {key}


def test_one_failure_of_twilio_is_hidden(
    scripted_client: FlaskClient, scripted_twilio: Scripted
) -> None:
    """If Twilio fails once, the request is repeated under the same key within its time."""
    scripted_twilio.answers(problem(503, 20500), Response(status=500), accepted())
    response = create(scripted_client, BY_RECORDING)
    assert response.status_code == 202
    assert [asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked] == [
        response.headers["Idempotency-Key"]
    ] * 3


def test_unusable_answer_is_a_502(scripted_client: FlaskClient, scripted_twilio: Scripted) -> None:
    """An unusable answer of Twilio is a 502 that names the job."""
    scripted_twilio.answers(answer({"transcription": {"id": "job_1"}}, 202))
    response = create(scripted_client, BY_RECORDING)
    assert response.status_code == 502
    assert "job_1" in json_of(response)["detail"]
