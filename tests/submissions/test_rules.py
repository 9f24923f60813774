"""The rules of Twilio's documentation of the resource, as a client of this service sees them.

The details have their own tests: the request in tests/schemas/test_submission.py, the files in
tests/preflight, Twilio's own side in tests/simulator.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from receiver.preflight import check
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.support.command import run
from tests.support.environment import PUBLIC_URL, close_app
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serving
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import BY_RECORDING, BY_URL, PARTICIPANTS, RECORDING, simulated
from tests.support.simulator.manual_clock import ManualClock
from tests.support.stored_callbacks import json_of

WRITER = ("writer", "writer-secret")
JOBS = "/v3/Transcriptions"
HOUR, GIB = 3600, 2**30
TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")


@dataclass(frozen=True)
class Service:
    """The service, which receives no callbacks, and the simulated Twilio."""

    app: Flask
    client: FlaskClient
    twilio: Simulator

    def create(self, *documents: dict[str, Any], query: str = "") -> TestResponse:
        """Request a transcription with the members of all documents but None."""
        body = {name: value for each in documents for name, value in each.items()}
        given = {name: value for name, value in body.items() if value is not None}

        return self.client.post(f"{JOBS}?{query}", json=given, auth=WRITER)

    def create_job(self, *documents: dict[str, Any]) -> dict[str, Any]:
        """Create a job, and return it as this service describes it."""
        answer = self.create(*documents)
        assert answer.status_code == 202, answer.text

        return self.job(json_of(answer)["transcription"]["id"])

    def get(self, path: str) -> TestResponse:
        """Get the URL or path."""
        return self.client.get(path.removeprefix(PUBLIC_URL), auth=WRITER)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the job."""
        job: dict[str, Any] = json_of(self.get(f"{JOBS}/{job_id}"))["transcription"]

        return job

    def reconcile(self) -> None:
        """Reconcile the jobs with Twilio."""
        done = run(self.app, "reconcile")
        assert done.exit_code == 0, done.output


@pytest.fixture
def service(environ: dict[str, str]) -> Iterator[Service]:
    """Yield the service, and a Twilio whose clock stands an hour ago."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    with serve(simulated(clock=clock)) as twilio:
        app = create_app(
            environ
            | {
                "API_KEYS": ":".join([*WRITER, "write"]),
                "TWILIO_ACCOUNT_SID": ACCOUNT,
                "TWILIO_BASE_URL": twilio.url,
                "RECONCILE_GRACE_SECONDS": "1",
            }
        )
        yield Service(app, app.test_client(), twilio.simulator)
        close_app(app)


def _assert_refused(answer: TestResponse, status: int, code: int, pointer: str | None) -> None:
    """Check the status, the code and the pointer of a problem document."""
    assert (answer.status_code, json_of(answer)["code"]) == (status, code)
    assert [fault["pointer"] for fault in json_of(answer).get("errors", [])] == (
        [f"#{pointer}"] if pointer is not None else []
    )


def test_recording_is_named_by_its_sid(service: Service) -> None:
    """The rule: a Recording of Twilio is named by its SID, as `sourceId`."""
    job = service.create_job(BY_RECORDING)
    assert (job["sourceId"], job["mediaUrl"]) == (RECORDING, None)
    assert service.twilio.job_store.newest_first()[0].source_id == RECORDING


def test_other_audio_is_named_by_its_url(service: Service) -> None:
    """The rule: any other audio is named by its URL, which may contain a signature."""
    signed = "https://b.s3.example.com/a%20b/1.wav?X-Amz-Credential=K%2F1%2Faws4&X-Amz-Signature=0f"
    job = service.create_job(BY_URL, {"mediaUrl": signed})
    assert (job["sourceId"], job["mediaUrl"]) == (None, signed)
    assert service.twilio.job_store.newest_first()[0].media_url == signed


def test_job_has_exactly_one_source(service: Service) -> None:
    """The rule: a job has either `sourceId` or `mediaUrl`; neither or both are refused."""
    _assert_refused(service.create(BY_URL, {"mediaUrl": None}), 400, 17500, "")
    _assert_refused(service.create(BY_URL, {"sourceId": RECORDING}), 400, 20001, "/mediaUrl")
    assert service.twilio.job_store.newest_first() == []


def test_job_names_a_configuration(service: Service) -> None:
    """The rule: a job names a configuration, which sets engine, language and callback."""
    without_configuration = service.create(BY_RECORDING, {"transcriptionConfigurationId": None})
    _assert_refused(without_configuration, 400, 17501, "/transcriptionConfigurationId")
    job = service.create_job(BY_RECORDING)
    assert job["transcriptionConfigurationId"] == WITH_CONVERSATION
    resolved = job["resolvedConfiguration"]
    assert (resolved["transcriptionEngine"], resolved["language"]) == ("deepgram", "en-US")
    assert resolved["transcriptionStatusCallback"]["method"] == "POST"


def test_inaccessible_recording_can_be_submitted_by_url(service: Service) -> None:
    """The rule: an encrypted or externally stored Recording is refused by SID, accepted by URL.

    Only Twilio knows which Recordings these are, so its refusal is forwarded.
    """
    _assert_refused(
        service.create(BY_RECORDING, {"sourceId": f"RE17533{'0' * 27}"}), 400, 17533, "/sourceId"
    )
    assert service.twilio.job_store.newest_first() == []
    assert service.create_job(BY_URL)["status"] == "PENDING"


@pytest.mark.parametrize("code", [17560, 17555, 17554], ids=["3 GB", "8 hours", "2 seconds"])
def test_recording_beyond_a_limit_fails(service: Service, code: int) -> None:
    """The rule: a Recording has at most 3 GB and eight hours, and at least two seconds.

    Only Twilio knows its size: the job fails, and its transcript doesn't count as missing.
    """
    failed = service.create_job(BY_RECORDING, {"sourceId": f"RE{code}{'0' * 27}"})
    valid = service.create_job(BY_RECORDING)
    service.twilio.finish()
    service.reconcile()
    assert (service.job(failed["id"])["status"], service.job(valid["id"])["status"]) == (
        "FAILED",
        "COMPLETED",
    )
    assert service.job(failed["id"])["duration"] is None
    assert "missing" not in service.job(failed["id"])["transcript"]
    assert json_of(service.get("/v3/Completeness"))["completed"] == 1


def _create_checked(
    service: Service, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> TestResponse:
    """Submit a file with a check."""
    monkeypatch.setattr(check, "AddressPolicy", lambda: OPEN_POLICY)
    with serving({"/file": answer}) as media:
        return service.create(BY_URL, {"mediaUrl": media.url("/file")}, query="check=true")


def _stereo_mp3() -> bytes:
    return audio_files.mp3(3).replace(b"\xff\xfb\x90\xc0", b"\xff\xfb\x90\x00")


LARGE_WAV = audio_files.riff(
    audio_files.fmt(rate=48000, channels=2), audio_files.chunk(b"data", b"", size=0)
)
A_LAW = audio_files.riff(audio_files.fmt(6, bits=8), audio_files.chunk(b"data", bytes(99_999)))
FILES = {
    "wav-mono": (Answer(audio_files.wav(3)), None),
    "wav-stereo": (Answer(audio_files.wav(3, channels=2)), None),
    "mp3-mono": (Answer(audio_files.mp3(3)), None),
    "mp3-stereo": (Answer(_stereo_mp3()), None),
    "flac-mono": (Answer(audio_files.flac(3)), None),
    "flac-stereo": (Answer(audio_files.flac(3, channels=2)), None),
    "wav-6-channels": (Answer(audio_files.wav(3, channels=6)), 17559),
    "wav-a-law": (Answer(A_LAW), 17556),
    "ogg": (Answer(b"OggS" + bytes(500)), 17556),
    "3-GiB": (Answer(LARGE_WAV, 3 * GIB), None),
    "more-than-3-GiB": (Answer(LARGE_WAV, 3 * GIB + 1), 17560),
    "8-hours": (Answer(audio_files.flac(8 * HOUR)), None),
    "more-than-8-hours": (Answer(audio_files.flac(8 * HOUR + 1)), 17555),
    "8-kHz": (Answer(audio_files.wav(3, rate=8000)), None),
    "16-kHz": (Answer(audio_files.wav(3, rate=16000)), None),
    "less-than-8-kHz": (Answer(audio_files.wav(3, rate=7999)), 17557),
}


@pytest.mark.parametrize(("answer", "code"), FILES.values(), ids=FILES)
def test_file_has_a_supported_format_within_the_limits(
    service: Service, monkeypatch: pytest.MonkeyPatch, answer: Answer, code: int | None
) -> None:
    """The rule: WAV (PCM), MP3 or FLAC; mono or stereo; up to 3 GB and 8 hours; from 8 kHz.

    The check reports a violation with Twilio's code, before the transcription is paid for.
    """
    response = _create_checked(service, answer, monkeypatch)
    if code:
        _assert_refused(response, 422, code, "/mediaUrl")
    assert len(service.twilio.job_store.newest_first()) == (0 if code else 1)


def test_participants_of_a_recording_are_optional(service: Service) -> None:
    """The rule: `participants` are optional; for a `sourceId` Twilio takes them from the call."""
    participants = service.create_job(BY_RECORDING, {"participants": None})["participants"]
    assert [person["audioChannelIndex"] for person in participants] == [1, 2]
    assert all(person["address"] and person["name"] for person in participants)


def test_participants_of_a_url_come_from_the_submitter(service: Service) -> None:
    """The rule: for a `mediaUrl` only the submitter can name the participants."""
    without_conversation = {"transcriptionConfigurationId": CALLBACK_ONLY}
    unknown = service.create_job(BY_URL, without_conversation, {"participants": None})[
        "participants"
    ]
    assert not any(person.keys() & {"address", "name"} for person in unknown)
    assert service.create_job(BY_URL, without_conversation)["participants"] == PARTICIPANTS


def test_conversation_needs_participants(service: Service) -> None:
    """The rule: a `mediaUrl` needs participants if its text is stored in a conversation.

    The service reads `conversationConfigurationId` before it submits the job.
    """
    answer = service.create(BY_URL, {"participants": None})
    _assert_refused(answer, 400, 17510, "/participants")
    assert "Must be given" in json_of(answer)["detail"]  # this service's text, not Twilio's
    assert service.twilio.job_store.newest_first() == []


@pytest.mark.parametrize("channel", [{}, {"audioChannelIndex": 0}, {"audioChannelIndex": 3}])
def test_participant_has_a_channel(service: Service, channel: dict[str, int]) -> None:
    """The rule: a participant must have a channel, which is 1 or 2."""
    participants = [PARTICIPANTS[0], {"type": "HUMAN_AGENT", **channel}]
    answer = service.create(BY_URL, {"participants": participants})
    _assert_refused(answer, 400, 17511, "/participants/1/audioChannelIndex")


@pytest.mark.parametrize("kind", TYPES)
def test_participant_may_have_type_address_and_name(service: Service, kind: str) -> None:
    """The rule: a participant may have an address, a name and one of three types."""
    participants = [
        {"audioChannelIndex": 1, "type": "CUSTOMER", "address": "+15551234567"},
        {"audioChannelIndex": 2, "type": kind, "address": "bot@example.com", "name": "Zoë"},
    ]
    assert (
        service.create_job(BY_URL, {"participants": participants})["participants"] == participants
    )
    participants[1]["type"] = kind.lower()
    _assert_refused(
        service.create(BY_URL, {"participants": participants}), 400, 17514, "/participants/1/type"
    )


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_create_returns_the_pending_job(service: Service, document: dict[str, Any]) -> None:
    """The example of create: status, URL and the job, whose duration is still unknown."""
    answer = json_of(service.create(document))
    job = answer["transcription"]
    assert answer.keys() == {"status", "statusUrl", "transcription"}
    assert answer["status"] == job["status"] == "PENDING"
    assert {name: job[name] for name in document} == document
    null_members = {"sourceId", "mediaUrl", "conversationId", "duration"} - document.keys()
    assert {job[name] for name in null_members} == {None}
    assert job["accountId"] == ACCOUNT
    assert job["createdAt"] == job["updatedAt"]
    assert answer["statusUrl"] == job["url"] == f"{PUBLIC_URL}{JOBS}/{job['id']}"


def test_fetch_returns_the_finished_job(service: Service) -> None:
    """The example of fetch: the operation is the job, with its duration and its conversation."""
    job_id = service.create_job(BY_RECORDING)["id"]
    service.twilio.finish()
    service.reconcile()
    answer = json_of(service.get(f"{JOBS}/{job_id}"))
    job = answer["transcription"]
    assert answer.keys() == {"operationId", "status", "statusUrl", "transcription"}
    assert answer["operationId"] == job["id"] == job_id
    assert answer["status"] == job["status"] == "COMPLETED"
    assert isinstance(job["duration"], int)
    assert job["conversationId"].startswith("conv_conversation_")
    assert job["participants"] == PARTICIPANTS


def test_status_url_has_retry_after(service: Service) -> None:
    """The rule: clients poll `statusUrl`, as often as `Retry-After` recommends."""
    url = json_of(service.create(BY_RECORDING))["statusUrl"]
    assert int(service.get(url).headers["Retry-After"]) > 0
    service.twilio.finish()
    service.reconcile()
    assert json_of(service.get(url))["status"] == "COMPLETED"
    assert "Retry-After" not in service.get(url).headers
