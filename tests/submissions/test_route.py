"""POST /v3/Transcriptions, with the simulated Twilio."""

import json
import socket
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from twilio.rest import Client
from twilio.rest.voice.v3.transcription import TranscriptionList

from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import SimulatorServer
from tests.support.environment import PUBLIC_URL, serve_app
from tests.support.recipe import ReceiverHttpClient
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.server import free_port
from tests.support.simulator.account import API_KEY, BY_RECORDING, BY_URL, recording
from tests.support.stored_callbacks import json_of
from tests.support.submitting import READER, WRITER, create, open_app
from tests.support.twilio_description import assert_as_described

JSON = "application/json"


def test_answer_has_urls_of_this_service(client: FlaskClient, twilio: SimulatorServer) -> None:
    """The answer is a 202 with the pending job, and its URLs lead to this service."""
    response = create(client, BY_RECORDING)
    assert response.status_code == 202
    document = json_of(response)
    [job] = twilio.simulator.job_store.newest_first()
    url = f"{PUBLIC_URL}/v3/Transcriptions/{job.id}"
    assert document["status"] == "PENDING"
    assert response.headers["Location"] == document["statusUrl"] == url
    assert document["transcription"]["url"] == url
    assert document["transcription"]["id"] == job.id
    assert document["transcription"]["participants"] == BY_RECORDING["participants"]
    assert UUID(response.headers["Idempotency-Key"]).version == 7


def test_answer_is_as_twilio_describes_it(client: FlaskClient) -> None:
    """The 202 and its headers are as Twilio describes them; `Operation-Id` is the job's id."""
    for document in (BY_RECORDING, BY_URL):
        response = create(client, document)
        assert_as_described("Accepted", json_of(response))
        assert_as_described("AcceptedHeaders", dict(response.headers))
        assert response.headers["Operation-Id"] == json_of(response)["transcription"]["id"]


def test_sdk_submits_a_job(
    environ: dict[str, str], twilio: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`create()` of Twilio's SDK submits a job with Basic, because it sends JSON and no Origin."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with open_app(environ, twilio.url) as app, serve_app(app) as origin:
        http_client = ReceiverHttpClient(origin)
        created = Client(*WRITER, http_client=http_client).voice.v3.transcriptions.create(
            TranscriptionList.CreateV3TranscriptionsRequest(BY_RECORDING)
        )
        http_client.session.close()
    [job] = twilio.simulator.job_store.newest_first()
    assert (created.status, created.transcription["id"]) == ("PENDING", job.id)


def test_job_is_readable_at_once(client: FlaskClient) -> None:
    """The URL in Location returns the job, with `Retry-After`."""
    location = create(client, BY_URL).headers["Location"]
    fetched = client.get(location.removeprefix(PUBLIC_URL), auth=READER)
    assert fetched.status_code == 200
    assert json_of(fetched)["status"] == "PENDING"
    assert json_of(fetched)["transcription"]["receivedAt"] is None
    assert "Retry-After" in fetched.headers


def test_repeat_gets_the_same_answer(client: FlaskClient, twilio: SimulatorServer) -> None:
    """The same key and request get the same answer, and there is one job."""
    first = create(client, BY_RECORDING, key="key-1")
    again = create(client, dict(reversed(BY_RECORDING.items())), key="key-1")
    assert again.status_code == 202
    assert json_of(again) == json_of(first)
    assert again.headers["Idempotency-Key"] == "key-1"
    assert len(twilio.simulator.job_store.newest_first()) == 1


def test_repeat_without_a_key_is_another_job(client: FlaskClient, twilio: SimulatorServer) -> None:
    """Two requests without a key make two jobs."""
    assert json_of(create(client, BY_RECORDING)) != json_of(create(client, BY_RECORDING))
    assert len(twilio.simulator.job_store.newest_first()) == 2


def test_key_with_another_request_is_refused(client: FlaskClient, twilio: SimulatorServer) -> None:
    """A used key with another request is a 422 with code 17534, without a call to Twilio."""
    create(client, BY_RECORDING, key="key-1")
    response = create(client, BY_RECORDING | {"sourceId": recording(2)}, key="key-1")
    assert (response.status_code, json_of(response)["code"]) == (422, 17534)
    assert len(twilio.simulator.job_store.newest_first()) == 1


def test_reader_may_not_submit(client: FlaskClient, twilio: SimulatorServer) -> None:
    """A key without `write` gets a 403, a request without a key a 401."""
    refused = create(client, {}, auth=READER)
    assert (refused.status_code, json_of(refused)["code"]) == (403, 20006)
    assert "name:secret:write" in json_of(refused)["detail"]
    assert create(client, BY_RECORDING, auth=None).status_code == 401
    assert twilio.simulator.job_store.newest_first() == []


def test_bound_key_submits_for_its_own_account_only(
    environ: dict[str, str], twilio: SimulatorServer
) -> None:
    """A key that is bound to an account other than TWILIO_ACCOUNT_SID gets a 403."""
    keys = f"own@{ACCOUNT}:own-secret:write,other@{OTHER_ACCOUNT}:other-secret:write"
    with open_app(environ | {"API_KEYS": keys}, twilio.url) as app:
        client = app.test_client()
        refused = create(client, BY_RECORDING, auth=("other", "other-secret"))
        assert (refused.status_code, json_of(refused)["code"]) == (403, 20006)
        assert "TWILIO_ACCOUNT_SID" in json_of(refused)["detail"]
        assert twilio.simulator.job_store.newest_first() == []
        assert create(client, BY_RECORDING, auth=("own", "own-secret")).status_code == 202


def test_bound_key_gets_no_job_of_another_account(
    environ: dict[str, str], twilio: SimulatorServer
) -> None:
    """If Twilio creates the job in another account, a bound key's answer doesn't contain it."""
    keys = {"API_KEYS": f"other@{OTHER_ACCOUNT}:other-secret:write"}
    sid, secret = API_KEY  # of the simulator's account
    wrong = {
        "TWILIO_ACCOUNT_SID": OTHER_ACCOUNT,
        "TWILIO_API_KEY": sid,
        "TWILIO_API_SECRET": secret,
    }
    with open_app(environ | keys | wrong, twilio.url) as app:
        response = create(app.test_client(), BY_RECORDING, auth=("other", "other-secret"))
    [job] = twilio.simulator.job_store.newest_first()
    assert response.status_code == 502
    assert job.id not in response.text


def test_faults_are_reported_without_a_call_to_twilio(environ: dict[str, str]) -> None:
    """A 400 has Twilio's code and a pointer to each fault."""
    with open_app(environ, f"http://127.0.0.1:{free_port()}") as app:
        response = create(app.test_client(), {"sourceId": "RE1", "else": 1})
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert json_of(response)["code"] == 17501
    assert [fault["pointer"] for fault in json_of(response)["errors"]] == [
        "#/transcriptionConfigurationId",
        "#/sourceId",
        "#/else",
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 60_000, b"1", b"null"])
def test_body_other_than_a_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    """A body that is not a JSON object is a 400."""
    response = client.post("/v3/Transcriptions", data=body, content_type=JSON, auth=WRITER)
    assert (response.status_code, json_of(response)["code"]) == (400, 20001)


def test_body_has_a_size_limit(client: FlaskClient) -> None:
    """A body of 64 KiB is accepted; a larger one is a 413."""
    fits = json.dumps(BY_RECORDING).encode().ljust(64 * 1024)
    for body, status in ((fits, 202), (fits + b" ", 413)):
        response = client.post("/v3/Transcriptions", data=body, content_type=JSON, auth=WRITER)
        assert response.status_code == status


@pytest.mark.parametrize("key", ["", "a" * 129, "ä", "a\tb", "resubmit-", "resubmit-job_1"])
def test_invalid_key_is_refused(client: FlaskClient, key: str) -> None:
    """A key has 1 to 128 printable ASCII characters and no reserved prefix."""
    response = create(client, BY_RECORDING, key=key)
    assert response.status_code == 400
    assert "Idempotency-Key" in json_of(response)["detail"]
    assert "Idempotency-Key" not in response.headers


def test_longest_key_is_accepted(client: FlaskClient) -> None:
    """A key of 128 characters is accepted, also by Twilio."""
    assert create(client, BY_RECORDING, key="a" * 128).status_code == 202


def test_conversation_needs_participants(client: FlaskClient, twilio: SimulatorServer) -> None:
    """For a mediaUrl that is stored in a conversation, participants are required (17510)."""
    without_participants = {name: value for name, value in BY_URL.items() if name != "participants"}
    for document in (without_participants, without_participants | {"participants": []}):
        refused = create(client, document)
        assert (refused.status_code, json_of(refused)["code"]) == (400, 17510)
        assert json_of(refused)["errors"][0]["pointer"] == "#/participants"
    assert without_participants["transcriptionConfigurationId"] == WITH_CONVERSATION
    accepted_job = create(
        client, without_participants | {"transcriptionConfigurationId": CALLBACK_ONLY}
    )
    assert accepted_job.status_code == 202
    inferred = create(client, {**BY_RECORDING, "participants": None})
    assert inferred.status_code == 202
    assert len(twilio.simulator.job_store.newest_first()) == 2


def test_refusal_of_twilio_is_forwarded(client: FlaskClient) -> None:
    """Twilio's status, code and errors are forwarded."""
    unknown = f"voice_transcriptionconfiguration_{'0' * 26}"
    response = create(client, BY_RECORDING | {"transcriptionConfigurationId": unknown})
    assert (response.status_code, json_of(response)["code"]) == (400, 17530)
    assert json_of(response)["errors"][0]["pointer"] == "#/transcriptionConfigurationId"
    missing = create(client, BY_RECORDING | {"sourceId": f"RE20404{'0' * 27}"})
    assert (missing.status_code, json_of(missing)["code"]) == (404, 20404)
    for refusal in (response, missing):
        assert_as_described("Problem", json_of(refusal))


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"{}", 400), (b"{}".ljust(64 * 1024 + 1), 413)]
)
def test_invalid_request_has_its_key_in_the_answer(
    client: FlaskClient, body: bytes, status: int
) -> None:
    """The error of an invalid request repeats the key that the client sent."""
    response = client.post(
        "/v3/Transcriptions",
        data=body,
        content_type=JSON,
        auth=WRITER,
        headers={"Idempotency-Key": "key-1"},
    )
    assert (response.status_code, response.headers["Idempotency-Key"]) == (status, "key-1")


def test_fault_of_the_whole_request_has_no_pointer(client: FlaskClient) -> None:
    """The detail of a fault of the whole request has no pointer."""
    response = create(client, {"transcriptionConfigurationId": CALLBACK_ONLY})
    assert json_of(response)["detail"] == "Either sourceId or mediaUrl must be given."


def test_missing_credentials_are_a_501(environ: dict[str, str]) -> None:
    """A 501 names the missing environment variables."""
    with open_app(environ | {"TWILIO_ACCOUNT_SID": ""}, "") as app:
        response = create(app.test_client(), BY_RECORDING)
    assert response.status_code == 501
    assert "TWILIO_API_KEY" in json_of(response)["detail"]


def test_unavailable_database_is_a_503(environ: dict[str, str], twilio: SimulatorServer) -> None:
    """If the intent can't be stored, the client gets a 503 and Twilio isn't called."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        unavailable = f"postgresql://nobody@127.0.0.1:{closed.getsockname()[1]}/none"
        settings = environ | {"DATABASE_URL": unavailable}
        with open_app(settings, twilio.url, request_seconds=1.0) as app:
            response = create(app.test_client(), BY_RECORDING)
    assert response.status_code == 503
    assert "The database" in json_of(response)["detail"]
    assert twilio.simulator.job_store.newest_first() == []
