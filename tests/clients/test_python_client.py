"""Tests that a generated Python client reads everything that the service sends, without loss."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from app import create_app
from tests.support.callback_events import NOON
from tests.support.environment import ENVIRON, close_app, serve_app
from tests.support.generated_client import GeneratedClient, generate
from tests.support.recipe import GENERATED_CLIENT
from tests.support.samples import COMPLETED, ENVELOPE, JOB
from tests.support.simulator.account import BY_RECORDING
from tests.support.stored_callbacks import callback, record_callback
from tests.support.submitting import WRITER

# Twilio adds members and values without notice.
_NEW_MEMBERS = {
    "participants": [{"audioChannelIndex": 1, "type": "ROBOT", "name": None, "mood": "calm"}],
    "resolvedConfiguration": {"transcriptionStatusCallback": None, "speed": 1.5},
    "sentences": [{"text": "Grüße 👋\u2028", "words": [{"w": "x"}], "participantIndex": None}, {}],
    "error": {"code": 17551},
}


@pytest.fixture(scope="module")
def _package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Generate the client from a running service, and make it importable."""
    folder = tmp_path_factory.mktemp("client")
    app = create_app(ENVIRON)
    with serve_app(app) as origin:
        generate(origin, folder)
    close_app(app)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture
def generated(_package: None, origin: str) -> GeneratedClient:
    """Return the generated client of the service."""
    return GeneratedClient(origin, WRITER[1])


def _get(client: GeneratedClient, path: str) -> requests.Response:
    """Return what the service sends to another client."""
    url = f"{client.origin}/v3/Transcriptions{path}"

    return requests.get(url, auth=WRITER, headers={"Connection": "close"}, timeout=10)


@pytest.mark.parametrize("operation", ["txt", "vtt", "srt"])
def test_texts_are_read_as_they_were_sent(
    generated: GeneratedClient, engine: Engine, operation: str
) -> None:
    """Plain text, WebVTT and SubRip are read as texts, whose bytes are those that were sent."""
    record_callback(engine, callback("job", **_NEW_MEMBERS))
    sent = _get(generated, f"/job/Transcript.{operation}")
    response = generated.call(f"transcripts.fetch_transcript_{operation}", "job")
    assert response.status_code == 200
    assert response.parsed.encode() == response.content == sent.content
    assert "Grüße 👋" in response.parsed
    assert response.headers["etag"] == sent.headers["ETag"]


@pytest.mark.parametrize("operation", ["fetch_transcript", "fetch_transcript_json"])
def test_json_transcript_keeps_unknown_members(
    generated: GeneratedClient, engine: Engine, operation: str
) -> None:
    """A JSON transcript has typed sentences, and keeps their other members."""
    record_callback(engine, COMPLETED)
    read = generated.call(f"transcripts.{operation}", JOB).parsed
    assert read.to_dict() == _get(generated, f"/{JOB}/Transcript").json()
    assert (read.participants[0].name, read.sentences[1].participant_index) == ("Jane Doe", 1)
    assert read.sentences[0].start_time_seconds == 0.32
    record_callback(engine, callback("job", **_NEW_MEMBERS))
    read = generated.call(f"transcripts.{operation}", "job").parsed
    assert read.sentences[0].additional_properties == {"words": [{"w": "x"}]}
    assert read.to_dict() == {
        "id": "job",
        **{name: _NEW_MEMBERS[name] for name in ("participants", "sentences")},
    }


def test_job_has_twilios_types(generated: GeneratedClient, engine: Engine) -> None:
    """A job's participants and configuration have Twilio's members, and times are datetimes."""
    record_callback(engine, ENVELOPE)
    response = generated.call("transcriptions.fetch_transcription", JOB)
    job = response.parsed.transcription
    assert (job.id, job.status, job.created_at.isoformat()) == (
        JOB,
        "COMPLETED",
        "2026-04-02T19:25:20+00:00",
    )
    assert [each.type_ for each in job.participants] == ["CUSTOMER", "HUMAN_AGENT"]
    configuration = job.resolved_configuration
    assert configuration.transcription_status_callback.method == "POST"
    assert configuration.participant_defaults[1].audio_channel_index == 2
    assert _same_times(response.parsed.to_dict()) == _get(generated, f"/{JOB}").json()
    unchanged = generated.call(
        "transcriptions.fetch_transcription", JOB, if_none_match=response.headers["etag"]
    )
    assert (unchanged.status_code, unchanged.parsed) == (304, None)


def _same_times(document: dict[str, Any]) -> Any:
    """Return the document with the service's spelling of UTC."""
    return json.loads(json.dumps(document).replace("+00:00", "Z"))


def test_job_keeps_what_twilio_adds(generated: GeneratedClient, engine: Engine) -> None:
    """Values and members that nobody knew, and nulls, are read and kept."""
    record_callback(engine, callback("job", **_NEW_MEMBERS))
    job = generated.call("transcriptions.fetch_transcription", "job").parsed.transcription
    read = job.to_dict()
    for name in ("participants", "resolvedConfiguration"):
        assert read[name] == _NEW_MEMBERS[name]
    assert job.additional.to_dict() == {"error": _NEW_MEMBERS["error"]}


def test_list_is_filtered_and_paged(generated: GeneratedClient, engine: Engine) -> None:
    """A list has its filters, and its pages are read with the token alone."""
    for number in range(3):
        created = (NOON + timedelta(minutes=number)).isoformat()
        address = {"audioChannelIndex": 1, "address": f"+1555000000{number % 2}"}
        body = callback(f"job{number}", createdAt=created, participants=[address])
        record_callback(engine, body)
    listing = "transcriptions.list_transcriptions"
    found = generated.call(listing, participant_address="+15550000000", page_size=1).parsed
    assert [job.id for job in found.transcriptions] == ["job2"]
    found = generated.call(listing, page_token=found.meta.next_token).parsed
    assert [job.id for job in found.transcriptions] == ["job0"]
    status = generated.model("ListTranscriptionsStatus").COMPLETED
    later = {"created_after": NOON + timedelta(minutes=1), "received_after": NOON}
    found = generated.call(listing, status=status, has_transcript=False, **later).parsed
    assert [job.id for job in found.transcriptions] == ["job2", "job1"]


def test_body_has_the_exact_bytes(generated: GeneratedClient, engine: Engine) -> None:
    """The callbacks are listed, and the body of each is read byte for byte."""
    newest = COMPLETED.replace(b"\n", b"\r\n")
    for each in (COMPLETED, ENVELOPE, newest):
        record_callback(engine, each)
    read = generated.call("callbacks.list_callbacks", JOB).parsed.callbacks
    bodies = [
        generated.call("callbacks.fetch_callback_body", JOB, each.id).parsed.payload.read()
        for each in read
    ]
    assert bodies == [newest, ENVELOPE, COMPLETED]
    assert [each.bytes_ for each in read] == list(map(len, bodies))


@pytest.mark.usefixtures("_package")
def test_documented_example_works(
    engine: Engine, origin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of the documents prints the transcripts, with the URL and the key filled in."""
    record_callback(engine, COMPLETED)
    filled_in = re.sub(r'"https://[^"]*"', f'"{origin}"', GENERATED_CLIENT)
    exec(filled_in.replace("its-secret", WRITER[1]), {})
    assert capsys.readouterr().out.startswith("WEBVTT\n")


def test_figures_health_and_document_are_read(generated: GeneratedClient, engine: Engine) -> None:
    """The completeness, the health, the document, and a link are read."""
    record_callback(engine, COMPLETED)
    assert generated.call("completeness.fetch_completeness").parsed.completed == 1
    for operation, status in (("healthz", "ok"), ("readyz", "ready")):
        assert generated.call(f"service.{operation}").parsed.status == status
    assert generated.call("service.openapi").parsed.to_dict()["openapi"] == "3.1.0"
    link = generated.call("transcripts.create_link", JOB, expires_in=60)
    assert link.status_code == 201
    linked = requests.get(link.parsed.url, headers={"Connection": "close"}, timeout=10)
    assert linked.text == generated.call("transcripts.fetch_transcript_vtt", JOB).parsed


def test_errors_are_problems(generated: GeneratedClient, origin: str) -> None:
    """Each error is read as a problem document, with Twilio's code."""
    for operation in ("txt", "vtt", "srt", "json"):
        problem = generated.call(f"transcripts.fetch_transcript_{operation}", "unknown").parsed
        assert (problem.status, problem.code) == (404, 20404)
    invalid = generated.call("transcriptions.list_transcriptions", source_id="x")
    assert (invalid.status_code, invalid.parsed.errors[0].pointer) == (400, "#/sourceId")
    stranger = GeneratedClient(origin, "wrong")
    refused = stranger.call("callbacks.fetch_callback_body", "job", 1)
    assert (refused.parsed.code, "www-authenticate" in refused.headers) == (20003, True)


def test_job_is_submitted(generated: GeneratedClient) -> None:
    """A job is submitted to Twilio; a second request with the same key gets the same answer."""
    request = generated.model("Submission").from_dict(BY_RECORDING)
    first, second = (
        generated.call("transcriptions.create_transcription", body=request, idempotency_key="one")
        for _ in range(2)
    )
    assert first.status_code == 202
    assert first.parsed == second.parsed
    assert first.headers["operation-id"] == first.parsed.transcription.id
    refused = generated.call(
        "transcriptions.create_transcription",
        body=generated.model("Submission")(transcription_configuration_id="x"),
    )
    assert (refused.status_code, refused.parsed.code) == (400, 17501)
