"""POST /v3/Transcriptions?check=true: the file is checked before the job is submitted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.preflight import check
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import SimulatorServer, serve
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, Server, serving
from tests.support.server import CONNECTION_CLOSE, TIMEOUT_SECONDS, web_server
from tests.support.simulator.account import BY_RECORDING, simulated
from tests.support.stored_callbacks import json_of
from tests.support.submitting import SETTINGS, WRITER


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Yield a file server, which the address policy allows although it is on loopback."""
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
    """Request a transcription."""
    headers = {"Idempotency-Key": key}

    return client.post(f"/v3/Transcriptions?{query}", json=document, headers=headers, auth=WRITER)


def test_invalid_file_is_not_submitted(
    client: FlaskClient, media: Server, twilio: SimulatorServer
) -> None:
    """A 422 has the code of the first fault, and each fault points at the mediaUrl."""
    response = create(client, by_url(media.url("/bad.wav")))
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 17557
    assert [fault["pointer"] for fault in json_of(response)["errors"]] == ["#/mediaUrl"] * 2
    assert [fault["detail"][:6] for fault in json_of(response)["errors"]] == ["17557:", "17554:"]
    assert twilio.simulator.job_store.newest_first() == []


def test_valid_file_is_submitted(
    client: FlaskClient, media: Server, twilio: SimulatorServer
) -> None:
    """After a successful check the job is submitted as usual."""
    assert create(client, by_url(media.url("/good.wav"))).status_code == 202
    assert len(twilio.simulator.job_store.newest_first()) == len(media.asked) == 1


@pytest.mark.parametrize("query", ["", "check=false"])
def test_file_is_not_checked_by_default(client: FlaskClient, media: Server, query: str) -> None:
    """Without `check=true` the file isn't requested."""
    assert create(client, by_url(media.url("/bad.wav")), query).status_code == 202
    assert media.asked == []


def test_recording_is_not_checked(client: FlaskClient, media: Server) -> None:
    """A Recording is Twilio's own, so no file is requested."""
    assert create(client, BY_RECORDING).status_code == 202
    assert media.asked == []


def test_repeat_gets_the_same_answer_without_a_check(client: FlaskClient, media: Server) -> None:
    """The file of an accepted job isn't checked again, because it may have been deleted."""
    document = by_url(media.url("/good.wav"))
    first = create(client, document)
    media.answers["/good.wav"] = Answer(status=404)
    again = create(client, document)
    assert (again.status_code, json_of(again)) == (202, json_of(first))
    assert create(client, document, key="key-2").status_code == 422


@pytest.mark.parametrize("query", ["check=yes", "check=", "check=true&check=true"])
def test_invalid_query_is_refused(client: FlaskClient, query: str) -> None:
    """An invalid `check` is a 400 that points at the parameter."""
    response = create(client, BY_RECORDING, query)
    assert response.status_code == 400
    assert json_of(response)["errors"][0]["pointer"] == "#/check"


def test_production_server_calls_no_private_address(migrated: str, tmp_path: Path) -> None:
    """Under gunicorn a loopback address is refused (17551), not called and not logged."""
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
