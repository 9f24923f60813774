"""The rules that Twilio's page on the resource states, each as a client of this service meets it.

What is tried more closely elsewhere: the request in tests/schemas/test_submission.py, the files in
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
from receiver.services import services_of
from receiver.simulator.clock import ManualClock
from receiver.simulator.configurations import CALLBACK_ONLY, WITH_CONVERSATION
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from tests.support.environment import PUBLIC_URL
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serving
from tests.support.simulator.account import (
    ACCOUNT,
    BY_RECORDING,
    BY_URL,
    PARTICIPANTS,
    RECORDING,
    simulated,
)
from tests.support.stored_callbacks import json_of

WRITER = ("writer", "writer-secret")
JOBS = "/v3/Transcriptions"
HOUR, GIB = 3600, 2**30
TYPES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")


@dataclass(frozen=True)
class Service:
    """The service, whose callbacks never come, and the Twilio behind it."""

    app: Flask
    client: FlaskClient
    twilio: Simulator

    def create(self, *documents: dict[str, Any], query: str = "") -> TestResponse:
        """Ask for a transcription by what the documents say together; None isn't given."""
        body = {name: value for each in documents for name, value in each.items()}
        given = {name: value for name, value in body.items() if value is not None}

        return self.client.post(f"{JOBS}?{query}", json=given, auth=WRITER)

    def made(self, *documents: dict[str, Any]) -> dict[str, Any]:
        """Let a job be made, and return it as it is told to whoever asks here for it."""
        answer = self.create(*documents)
        assert answer.status_code == 202, answer.text

        return self.job(json_of(answer)["transcription"]["id"])

    def get(self, path: str) -> TestResponse:
        """Get what is there."""
        return self.client.get(path.removeprefix(PUBLIC_URL), auth=WRITER)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return what is known of a job."""
        job: dict[str, Any] = json_of(self.get(f"{JOBS}/{job_id}"))["transcription"]

        return job

    def reconcile(self) -> None:
        """Ask Twilio what became of the jobs."""
        done = self.app.test_cli_runner().invoke(args=["reconcile"])
        assert done.exit_code == 0, done.output


@pytest.fixture
def service(environ: dict[str, str]) -> Iterator[Service]:
    """Yield the service, and a Twilio that stands still an hour ago."""
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
        services_of(app).engine.dispose()


def _refused(answer: TestResponse, status: int, code: int, pointer: str | None) -> None:
    assert (answer.status_code, json_of(answer)["code"]) == (status, code)
    assert [fault["pointer"] for fault in json_of(answer).get("errors", [])] == (
        [pointer] if pointer is not None else []
    )


def test_a_recording_is_named_by_its_sid(service: Service) -> None:
    """The rule: audio that Twilio recorded is named by its Recording SID, as `sourceId`."""
    job = service.made(BY_RECORDING)
    assert (job["sourceId"], job["mediaUrl"]) == (RECORDING, None)
    assert service.twilio.job_store.newest_first()[0].source_id == RECORDING


def test_audio_elsewhere_is_named_by_its_url(service: Service) -> None:
    """The rule: any other audio is named by its URL, which a signature in it may open."""
    signed = "https://b.s3.example.com/a%20b/1.wav?X-Amz-Credential=K%2F1%2Faws4&X-Amz-Signature=0f"
    job = service.made(BY_URL, {"mediaUrl": signed})
    assert (job["sourceId"], job["mediaUrl"]) == (None, signed)
    assert service.twilio.job_store.newest_first()[0].media_url == signed


def test_there_is_exactly_one_source(service: Service) -> None:
    """The rule: a job has one of `sourceId` and `mediaUrl`; with neither or both it is refused."""
    _refused(service.create(BY_URL, {"mediaUrl": None}), 400, 17500, "")
    _refused(service.create(BY_URL, {"sourceId": RECORDING}), 400, 20001, "/mediaUrl")
    assert service.twilio.job_store.newest_first() == []


def test_a_configuration_is_named(service: Service) -> None:
    """The rule: each job names a configuration, which says how it is done and who is called."""
    nameless = service.create(BY_RECORDING, {"transcriptionConfigurationId": None})
    _refused(nameless, 400, 17501, "/transcriptionConfigurationId")
    job = service.made(BY_RECORDING)
    assert job["transcriptionConfigurationId"] == WITH_CONVERSATION
    resolved = job["resolvedConfiguration"]
    assert (resolved["transcriptionEngine"], resolved["language"]) == ("deepgram", "en-US")
    assert resolved["transcriptionStatusCallback"]["method"] == "POST"


def test_a_recording_out_of_twilios_hands_has_a_way_round(service: Service) -> None:
    """The rule: an encrypted or externally stored Recording is refused by SID, and taken by URL.

    Only Twilio knows which ones are, so its refusal is passed on.
    """
    _refused(
        service.create(BY_RECORDING, {"sourceId": f"RE17533{'0' * 27}"}), 400, 17533, "/sourceId"
    )
    assert service.twilio.job_store.newest_first() == []
    assert service.made(BY_URL)["status"] == "PENDING"


@pytest.mark.parametrize("code", [17560, 17555, 17554], ids=["3 GB", "8 hours", "2 seconds"])
def test_a_recording_beyond_a_limit_fails(service: Service, code: int) -> None:
    """The rule: a Recording is transcribed up to 3 GB and eight hours, and from two seconds on.

    Only Twilio knows how large it is: the job fails, and no transcript of it counts as missing.
    """
    failed = service.made(BY_RECORDING, {"sourceId": f"RE{code}{'0' * 27}"})
    fine = service.made(BY_RECORDING)
    service.twilio.finish()
    service.reconcile()
    assert (service.job(failed["id"])["status"], service.job(fine["id"])["status"]) == (
        "FAILED",
        "COMPLETED",
    )
    assert service.job(failed["id"])["duration"] is None
    assert "missing" not in service.job(failed["id"])["transcript"]
    assert json_of(service.get("/v3/Completeness"))["completed"] == 1


def _checked(service: Service, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> TestResponse:
    """Submit a file after a look at it."""
    monkeypatch.setattr(check, "AddressPolicy", lambda: OPEN_POLICY)
    with serving({"/file": answer}) as media:
        return service.create(BY_URL, {"mediaUrl": media.url("/file")}, query="check=true")


def _stereo_mp3() -> bytes:
    return audio_files.mp3(3).replace(b"\xff\xfb\x90\xc0", b"\xff\xfb\x90\x00")


BLOB = audio_files.riff(
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
    "3-GiB": (Answer(BLOB, 3 * GIB), None),
    "more-than-3-GiB": (Answer(BLOB, 3 * GIB + 1), 17560),
    "8-hours": (Answer(audio_files.flac(8 * HOUR)), None),
    "more-than-8-hours": (Answer(audio_files.flac(8 * HOUR + 1)), 17555),
    "8-kHz": (Answer(audio_files.wav(3, rate=8000)), None),
    "16-kHz": (Answer(audio_files.wav(3, rate=16000)), None),
    "less-than-8-kHz": (Answer(audio_files.wav(3, rate=7999)), 17557),
}


@pytest.mark.parametrize(("answer", "code"), FILES.values(), ids=FILES)
def test_a_file_is_of_a_kind_and_within_the_limits(
    service: Service, monkeypatch: pytest.MonkeyPatch, answer: Answer, code: int | None
) -> None:
    """The rule: PCM in a WAV, MP3 or FLAC; mono or stereo; 3 GB, 8 hours, and 8 kHz at least.

    A look at the file tells what breaks it, with Twilio's code and before anything is paid for.
    """
    response = _checked(service, answer, monkeypatch)
    if code:
        _refused(response, 422, code, "/mediaUrl")
    assert len(service.twilio.job_store.newest_first()) == (0 if code else 1)


def test_who_took_part_need_not_be_told_of_a_recording(service: Service) -> None:
    """The rule: `participants` are optional, and for a `sourceId` the call tells of them."""
    people = service.made(BY_RECORDING, {"participants": None})["participants"]
    assert [person["audioChannelIndex"] for person in people] == [1, 2]
    assert all(person["address"] and person["name"] for person in people)


def test_who_took_part_is_not_told_by_a_url(service: Service) -> None:
    """The rule: for a `mediaUrl` nobody but the submitter can say who took part."""
    elsewhere = {"transcriptionConfigurationId": CALLBACK_ONLY}
    unknown = service.made(BY_URL, elsewhere, {"participants": None})["participants"]
    assert not any(person.keys() & {"address", "name"} for person in unknown)
    assert service.made(BY_URL, elsewhere)["participants"] == PARTICIPANTS


def test_a_conversation_has_to_know_who_took_part(service: Service) -> None:
    """The rule: a `mediaUrl` has to tell the participants if its text goes into a conversation.

    `conversationConfigurationId` says so, which is asked for before the job is.
    """
    answer = service.create(BY_URL, {"participants": None})
    _refused(answer, 400, 17510, "/participants")
    assert "Must be given" in json_of(answer)["detail"]  # which is ours, and not Twilio's
    assert service.twilio.job_store.newest_first() == []


@pytest.mark.parametrize("channel", [{}, {"audioChannelIndex": 0}, {"audioChannelIndex": 3}])
def test_a_participant_is_on_a_channel(service: Service, channel: dict[str, int]) -> None:
    """The rule: a participant has to tell the channel, which is 1 or 2."""
    people = [PARTICIPANTS[0], {"type": "HUMAN_AGENT", **channel}]
    answer = service.create(BY_URL, {"participants": people})
    _refused(answer, 400, 17511, "/participants/1/audioChannelIndex")


@pytest.mark.parametrize("kind", TYPES)
def test_a_participant_may_tell_more(service: Service, kind: str) -> None:
    """The rule: a type, an address and a name may be told too; there are three types."""
    people = [
        {"audioChannelIndex": 1, "type": "CUSTOMER", "address": "+15551234567"},
        {"audioChannelIndex": 2, "type": kind, "address": "bot@example.com", "name": "Zoë"},
    ]
    assert service.made(BY_URL, {"participants": people})["participants"] == people
    people[1]["type"] = kind.lower()
    _refused(service.create(BY_URL, {"participants": people}), 400, 17514, "/participants/1/type")


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_create_answers_with_the_pending_job(service: Service, document: dict[str, Any]) -> None:
    """The examples of creating: status, URL and the job, which doesn't know its length yet."""
    answer = json_of(service.create(document))
    job = answer["transcription"]
    assert answer.keys() == {"status", "statusUrl", "transcription"}
    assert answer["status"] == job["status"] == "PENDING"
    assert {name: job[name] for name in document} == document
    nothing = {"sourceId", "mediaUrl", "conversationId", "duration"} - document.keys()
    assert {job[name] for name in nothing} == {None}
    assert job["accountId"] == ACCOUNT
    assert job["createdAt"] == job["updatedAt"]
    assert answer["statusUrl"] == job["url"] == f"{PUBLIC_URL}{JOBS}/{job['id']}"


def test_fetch_answers_with_the_finished_job(service: Service) -> None:
    """The example of fetching: the operation is the job, with its length and its conversation."""
    job_id = service.made(BY_RECORDING)["id"]
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


def test_the_status_url_says_when_to_ask_again(service: Service) -> None:
    """The rule: `statusUrl` is what to ask for progress, as often as `Retry-After` recommends."""
    url = json_of(service.create(BY_RECORDING))["statusUrl"]
    assert int(service.get(url).headers["Retry-After"]) > 0
    service.twilio.finish()
    service.reconcile()
    assert json_of(service.get(url))["status"] == "COMPLETED"
    assert "Retry-After" not in service.get(url).headers
