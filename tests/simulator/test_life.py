"""A job's life, as create and fetch tell it."""

import json
import threading
from typing import Any

import pytest

from receiver.simulator.clock import Clock
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http
from tests.support.paths import ROOT
from tests.support.simulator.account import (
    BY_RECORDING,
    BY_URL,
    CALLED_BACK_ONLY,
    PARTICIPANTS,
    simulated,
)

ROOT = ROOT / "tests"
ENVELOPE = json.loads((ROOT / "samples" / "fetch_envelope.json").read_text())

# What the resource's page answers a create with, member by member.
CREATED = {
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
def test_create_answers_as_documented(http: Http, document: dict[str, Any]) -> None:
    """The resource's page: 202 with `status`, `statusUrl` and the PENDING `transcription`."""
    answer = http.create(document)
    told = answer.json()
    assert answer.status_code == 202
    assert list(told) == ["status", "statusUrl", "transcription"]
    job = told["transcription"]
    assert set(job) == CREATED
    assert told["status"] == job["status"] == "PENDING"
    assert told["statusUrl"] == job["url"] == answer.headers["Location"]
    assert answer.headers["Operation-Id"] == job["id"]
    assert (job["conversationId"], job["duration"]) == (None, None)
    assert job["createdAt"] == job["updatedAt"] == "2026-04-02T19:25:20Z"
    assert {name: job[name] for name in document} == document
    assert _shape(job["resolvedConfiguration"]) == _shape(
        ENVELOPE["transcription"]["resolvedConfiguration"]
    )


def test_a_finished_job_is_told_as_documented(http: Http, simulator: Simulator) -> None:
    """The resource's page: fetch answers the envelope with the COMPLETED job, and no transcript."""
    job_id = http.create(BY_RECORDING).json()["transcription"]["id"]
    simulator.finish()
    told = http.get(f"/v3/Transcriptions/{job_id}").json()
    assert _shape(told) == _shape(ENVELOPE)
    assert told["operationId"] == told["transcription"]["id"] == job_id
    assert told["status"] == told["transcription"]["status"] == "COMPLETED"


def test_a_job_passes_through_its_statuses(http: Http, simulator: Simulator) -> None:
    """The rule: `PENDING`, `RUNNING`, `COMPLETED`; the conversation's id comes after that."""
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


def test_fetch_says_when_to_ask_again(http: Http, simulator: Simulator) -> None:
    """The rule: the response includes `Retry-After`, while the job is PENDING or RUNNING."""
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
    """The rule: `links` and `conversationId` only once the transcript is in a conversation."""
    job = simulator.create(CALLED_BACK_ONLY)
    simulator.finish()
    told = http.get(f"/v3/Transcriptions/{job.id}").json()["transcription"]
    assert (told["status"], told["conversationId"]) == ("COMPLETED", None)
    assert "links" not in told


def test_participants_are_inferred_from_the_call(simulator: Simulator) -> None:
    """The rule: who took part in a Recording is known from its call."""
    document = {name: BY_RECORDING[name] for name in BY_RECORDING if name != "participants"}
    people = simulator.create(document).participants
    assert [(person["audioChannelIndex"], person["type"]) for person in people] == [
        (1, "CUSTOMER"),
        (2, "HUMAN_AGENT"),
    ]
    assert all(person["address"].startswith("+1555") and person["name"] for person in people)


def test_participants_come_from_the_defaults(simulator: Simulator) -> None:
    """The rule: if omitted or partially specified, the configuration's defaults are applied."""
    document = {**BY_URL, "transcriptionConfigurationId": CALLBACK_ONLY}
    given = {"audioChannelIndex": 2, "name": "Jane"}
    assert simulator.create({**document, "participants": [given]}).participants == [
        {"audioChannelIndex": 1, "type": "CUSTOMER"},
        {"audioChannelIndex": 2, "type": "HUMAN_AGENT", "name": "Jane"},
    ]
    assert simulator.create({**document, "participants": PARTICIPANTS}).participants == PARTICIPANTS


def test_the_audios_start_is_the_recordings_or_as_given(http: Http) -> None:
    """The rule: inferred from the recording for a `sourceId`, as supplied for a `mediaUrl`."""
    by_url = http.create(BY_URL).json()["transcription"]
    by_recording = http.create(BY_RECORDING).json()["transcription"]
    untold = {name: BY_URL[name] for name in BY_URL if name != "audioStartedAt"}
    assert by_url["audioStartedAt"] == "2026-03-10T19:42:16Z"
    assert by_recording["audioStartedAt"] < by_recording["createdAt"]
    assert "audioStartedAt" not in http.create(untold).json()["transcription"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("17554.wav", 17554),  # too short
        ("17555.mp3", 17555),  # too long
        ("17556.ogg", 17556),  # no WAV, MP3 or FLAC
        ("17557.wav", 17557),  # of too low a sample rate
        ("17560.flac", 17560),  # too large
        ("404.wav", 17552),  # not there
        ("403.wav", 17553),  # not to be had
    ],
)
def test_bad_media_fail(simulator: Simulator, name: str, code: int) -> None:
    """The rule: a job whose file can't be used fails, without a duration or a conversation."""
    job = simulator.create({**BY_URL, "mediaUrl": f"https://example.com/audio/{name}"})
    simulator.finish()
    told = job.to_resource(simulator.clock.now(), "")
    assert told["status"] == "FAILED"
    assert (told["duration"], told["conversationId"]) == (None, None)
    assert [note.detail for note in simulator.event_log.entries("failed")] == [f"error {code}"]


def test_a_short_recording_fails(simulator: Simulator) -> None:
    """The rule: a Recording of less than two seconds isn't transcribed."""
    job = simulator.create({**BY_RECORDING, "sourceId": f"RE17554{'0' * 27}"})
    simulator.finish()
    assert job.status(simulator.clock.now()) == "FAILED"


def test_nothing_happens_after_the_end() -> None:
    """Once it isn't served any more, none of its threads is left, whatever was still to come."""
    with serve(simulated(clock=Clock())) as served:
        served.simulator.create(BY_RECORDING)
    left = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("simulator") for name in left)


def test_what_is_not_there_is_not_found(http: Http) -> None:
    """An unknown job, and a path that isn't served, are 404 with 20404; DELETE isn't there yet."""
    for path in ("/v3/Transcriptions/voice_transcription_x", "/v3/Nothing", "/v2/Conversations/x"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    job_id = http.create(BY_RECORDING).json()["transcription"]["id"]
    deleted = http.session.delete(f"{http.url}/v3/Transcriptions/{job_id}", timeout=10)
    assert (deleted.status_code, deleted.json()["code"]) == (405, 20004)
