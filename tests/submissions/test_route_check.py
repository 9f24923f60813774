"""POST /v3/Transcriptions?check=true: a look before Twilio is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from receiver.preflight import check
from receiver.services import services_of
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import SimulatorServer, serve
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, Server, serving
from tests.support.server import CONNECTION_CLOSE, TIMEOUT_SECONDS, web_server
from tests.support.simulator.account import ACCOUNT, BY_RECORDING, simulated
from tests.support.stored_callbacks import json_of

WRITER = ("writer", "writer-secret")
SETTINGS = {"API_KEYS": "writer:writer-secret:write", "TWILIO_ACCOUNT_SID": ACCOUNT}


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def client(environ: dict[str, str], twilio: SimulatorServer) -> Iterator[FlaskClient]:
    """Yield a client of the service before the simulated Twilio."""
    app = create_app(environ | SETTINGS | {"TWILIO_BASE_URL": twilio.url})
    yield app.test_client()
    services_of(app).engine.dispose()


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a server of files, which the gate lets through though it is on the loopback."""
    monkeypatch.setattr(check, "AddressPolicy", lambda: OPEN_POLICY)
    answers = {
        "/good.wav": Answer(audio_files.wav(3)),
        "/bad.wav": Answer(audio_files.wav(1, rate=4000)),
    }
    with serving(answers) as server:
        yield server


def by_url(url: str) -> dict[str, str]:
    """Return a request for the file."""
    return {"transcriptionConfigurationId": CALLBACK_ONLY, "mediaUrl": url}


def create(
    client: FlaskClient, document: dict[str, str], query: str = "check=true", key: str = "key-1"
) -> TestResponse:
    """Ask for a transcription."""
    headers = {"Idempotency-Key": key}

    return client.post(f"/v3/Transcriptions?{query}", json=document, headers=headers, auth=WRITER)


def test_what_would_fail_is_not_submitted(
    client: FlaskClient, media: Server, twilio: SimulatorServer
) -> None:
    """422 with the code of the first fault, each fault pointing at the mediaUrl."""
    response = create(client, by_url(media.url("/bad.wav")))
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 17557
    assert [fault["pointer"] for fault in json_of(response)["errors"]] == ["/mediaUrl"] * 2
    assert [fault["detail"][:6] for fault in json_of(response)["errors"]] == ["17557:", "17554:"]
    assert twilio.simulator.job_store.newest_first() == []


def test_what_is_sound_is_submitted(
    client: FlaskClient, media: Server, twilio: SimulatorServer
) -> None:
    """It is a submission like any other then."""
    assert create(client, by_url(media.url("/good.wav"))).status_code == 202
    assert len(twilio.simulator.job_store.newest_first()) == len(media.asked) == 1


@pytest.mark.parametrize("query", ["", "check=false", "else=true"])
def test_nobody_looks_unasked(client: FlaskClient, media: Server, query: str) -> None:
    """Without `check=true` the file isn't asked for."""
    assert create(client, by_url(media.url("/bad.wav")), query).status_code == 202
    assert media.asked == []


def test_a_recording_needs_no_look(client: FlaskClient, media: Server) -> None:
    """It is Twilio's own."""
    assert create(client, BY_RECORDING).status_code == 202
    assert media.asked == []


def test_a_repeat_is_answered_as_the_first_time(client: FlaskClient, media: Server) -> None:
    """What Twilio has taken isn't looked at again: the file may be gone since."""
    document = by_url(media.url("/good.wav"))
    first = create(client, document)
    media.answers["/good.wav"] = Answer(status=404)
    again = create(client, document)
    assert (again.status_code, json_of(again)) == (202, json_of(first))
    assert create(client, document, key="key-2").status_code == 422


@pytest.mark.parametrize("query", ["check=yes", "check=", "check=true&check=true"])
def test_a_query_that_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    """400 points at the parameter."""
    response = create(client, BY_RECORDING, query)
    assert response.status_code == 400
    assert json_of(response)["errors"][0]["pointer"] == "/check"


def test_the_production_server_asks_nothing_inside(migrated: str, tmp_path: Path) -> None:
    """Under gunicorn a loopback address is refused (17551), unasked, and stays out of the log."""
    log = tmp_path / "log"
    with serve(simulated()) as twilio, serving({"/good.wav": Answer(audio_files.wav(3))}) as server:
        settings = SETTINGS | {"TWILIO_BASE_URL": twilio.url}
        url = server.url("/good.wav", host="127.0.0.1")
        with web_server(migrated, log, **settings) as web:
            answer = requests.post(
                f"{web.url}/v3/Transcriptions?check=true",
                json=by_url(url),
                auth=WRITER,
                headers=CONNECTION_CLOSE,
                timeout=TIMEOUT_SECONDS,
            )
        assert (answer.status_code, answer.json()["code"]) == (422, 17551)
        assert server.asked == []
        assert twilio.simulator.job_store.newest_first() == []
    assert url not in log.read_text()
