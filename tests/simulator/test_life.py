"""A job's life, as the responses of create and fetch show it."""

import json
import threading
from typing import Any

import pytest

from receiver.simulator.clock import Clock
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http
from tests.support.samples import ENVELOPE
from tests.support.simulator.account import (
    BY_RECORDING,
    BY_URL,
    CALLED_BACK_ONLY,
    PARTICIPANTS,
    simulated,
)

# The members of the create response, from the documentation of the resource.
CREATED_MEMBERS = {
    "id",
    "accountId",
    "status",
    "transcriptionConfigurationId",
    "sourceId",
    "mediaUrl",
    "audioStartedAt",
    "conversationId",
    "participants",
    "duration",
    "resolvedConfiguration",
    "createdAt",
    "updatedAt",
    "url",
}


def _shape(value: Any) -> Any:
    """Return the members and types of a document, without its values."""
    if isinstance(value, dict):
        return {name: _shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]

    return type(value)


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_create_response_is_as_documented(http: Http, document: dict[str, Any]) -> None:
    """The resource's page: 202 with `status`, `statusUrl` and the PENDING `transcription`."""
    answer = http.create(document)
    created = answer.json()
    assert answer.status_code == 202
    assert list(created) == ["status", "statusUrl", "transcription"]
    job = created["transcription"]
    assert set(job) == CREATED_MEMBERS
    assert created["status"] == job["status"] == "PENDING"
    assert created["statusUrl"] == job["url"] == answer.headers["Location"]
    assert answer.headers["Operation-Id"] == job["id"]
    assert (job["conversationId"], job["duration"]) == (None, None)
    assert job["createdAt"] == job["updatedAt"] == "2026-04-02T19:25:20Z"
    assert {name: job[name] for name in document} == document
    assert _shape(job["resolvedConfiguration"]) == _shape(
        json.loads(ENVELOPE)["transcription"]["resolvedConfiguration"]
    )


def test_fetch_response_is_as_documented(http: Http, simulator: Simulator) -> None:
    """The resource's page: fetch returns the envelope of the COMPLETED job, and no transcript."""
    job_id = http.create(BY_RECORDING).json()["transcription"]["id"]
    simulator.finish()
    document = http.get(f"/v3/Transcriptions/{job_id}").json()
    assert _shape(document) == _shape(json.loads(ENVELOPE))
    assert document["operationId"] == document["transcription"]["id"] == job_id
    assert document["status"] == document["transcription"]["status"] == "COMPLETED"


def test_status_changes_over_time(http: Http, simulator: Simulator) -> None:
    """The rule: `PENDING`, `RUNNING`, `COMPLETED`; then the job gets its conversation's id."""
    url = http.create(BY_RECORDING).json()["statusUrl"].removeprefix(http.url)
    seen = []
    for seconds in (0, 1, 3, 3):
        simulator.advance(seconds)
        job = http.get(url).json()["transcription"]
        seen.append((job["status"], bool(job["conversationId"]), job["updatedAt"][-3:]))
    assert seen == [
        ("PENDING", False, "20Z"),
        ("RUNNING", False, "21Z"),
        ("COMPLETED", False, "24Z"),
        ("COMPLETED", True, "27Z"),
    ]
    assert "links" in job


def test_fetch_has_retry_after(http: Http, simulator: Simulator) -> None:
    """The rule: the response has `Retry-After` while the job is PENDING or RUNNING."""
    created = http.create(BY_RECORDING)
    url = created.json()["statusUrl"].removeprefix(http.url)
    waits = []
    while wait := http.get(url).headers.get("Retry-After"):
        waits.append(wait)
        simulator.advance(int(wait))
    assert created.headers["Retry-After"] == "1"
    assert waits == ["1", "3"]
    assert http.get(url).json()["status"] == "COMPLETED"


def test_only_a_stored_transcript_has_a_conversation(http: Http, simulator: Simulator) -> None:
    """The rule: a job has `links` and `conversationId` only after its transcript is stored."""
    job = simulator.create(CALLED_BACK_ONLY)
    simulator.finish()
    document = http.get(f"/v3/Transcriptions/{job.id}").json()["transcription"]
    assert (document["status"], document["conversationId"]) == ("COMPLETED", None)
    assert "links" not in document


def test_participants_are_inferred_from_the_call(simulator: Simulator) -> None:
    """The rule: Twilio infers the participants of a Recording from its call."""
    document = {name: BY_RECORDING[name] for name in BY_RECORDING if name != "participants"}
    people = simulator.create(document).participants
    assert [(person["audioChannelIndex"], person["type"]) for person in people] == [
        (1, "CUSTOMER"),
        (2, "HUMAN_AGENT"),
    ]
    assert all(person["address"].startswith("+1555") and person["name"] for person in people)


def test_participants_come_from_the_defaults(simulator: Simulator) -> None:
    """The rule: the configuration's defaults complete omitted or partial participants."""
    document = {**BY_URL, "transcriptionConfigurationId": CALLBACK_ONLY}
    given = {"audioChannelIndex": 2, "name": "Jane"}
    assert simulator.create({**document, "participants": [given]}).participants == [
        {"audioChannelIndex": 1, "type": "CUSTOMER"},
        {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Jane"},
    ]
    assert simulator.create({**document, "participants": PARTICIPANTS}).participants == PARTICIPANTS


def test_audio_start_is_inferred_or_given(http: Http) -> None:
    """The rule: `audioStartedAt` is inferred for a `sourceId`, and as given for a `mediaUrl`."""
    by_url = http.create(BY_URL).json()["transcription"]
    by_recording = http.create(BY_RECORDING).json()["transcription"]
    without_start = {name: BY_URL[name] for name in BY_URL if name != "audioStartedAt"}
    assert by_url["audioStartedAt"] == "2026-03-10T19:42:16Z"
    assert by_recording["audioStartedAt"] < by_recording["createdAt"]
    assert "audioStartedAt" not in http.create(without_start).json()["transcription"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("17554.wav", 17554),  # too short
        ("17555.mp3", 17555),  # too long
        ("17556.ogg", 17556),  # neither WAV, MP3 nor FLAC
        ("17557.wav", 17557),  # sample rate too low
        ("17560.flac", 17560),  # too large
        ("404.wav", 17552),  # not found
        ("403.wav", 17553),  # forbidden
    ],
)
def test_unusable_media_fails_the_job(simulator: Simulator, name: str, code: int) -> None:
    """The rule: a job with an unusable file fails, without a duration or a conversation."""
    job = simulator.create({**BY_URL, "mediaUrl": f"https://example.com/audio/{name}"})
    simulator.finish()
    document = job.to_resource(simulator.clock.now(), "")
    assert document["status"] == "FAILED"
    assert (document["duration"], document["conversationId"]) == (None, None)
    assert [entry.detail for entry in simulator.event_log.entries("failed")] == [f"error {code}"]


def test_short_recording_fails(simulator: Simulator) -> None:
    """The rule: a job with a Recording of less than two seconds fails."""
    job = simulator.create({**BY_RECORDING, "sourceId": f"RE17554{'0' * 27}"})
    simulator.finish()
    assert job.status(simulator.clock.now()) == "FAILED"


def test_no_thread_is_left() -> None:
    """The simulator leaves no thread running after its server ended."""
    with serve(simulated(clock=Clock())) as served:
        served.simulator.create(BY_RECORDING)
    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("simulator") for name in names)


def test_unknown_path_is_not_found(http: Http) -> None:
    """An unknown job or path is 404 with 20404; DELETE is 405 with 20004."""
    for path in ("/v3/Transcriptions/voice_transcription_x", "/v3/Nothing", "/v2/Conversations/x"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    job_id = http.create(BY_RECORDING).json()["transcription"]["id"]
    deleted = http.session.delete(f"{http.url}/v3/Transcriptions/{job_id}", timeout=10)
    assert (deleted.status_code, deleted.json()["code"]) == (405, 20004)
