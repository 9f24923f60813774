"""Tests of what the API reports about missing transcripts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.store.event import Event
from receiver.store.ledger.record import record
from tests.support.callback_events import NOON
from tests.support.environment import changed_settings
from tests.support.list_scans import store_scan
from tests.support.store_events import make_event
from tests.support.stored_callbacks import callback, json_of, record_callback

RESOLVED = {
    "transcriptionStatusCallback": {"url": "https://app.example.com/callbacks/transcription"},
    "conversationConfigurationId": None,
}


def _fetched(**head: Any) -> Event:
    head = {"status": "COMPLETED", "updated_at": NOON, "resolved_configuration": RESOLVED, **head}

    return make_event(head, source="fetch", minutes=10_000)


def _transcript(reader: FlaskClient) -> dict[str, Any]:
    job = json_of(reader.get("/v3/Transcriptions/job"))["transcription"]
    state: dict[str, Any] = job["transcript"]

    return state


def test_missing_callback_is_reported_with_reasons(reader: FlaskClient, engine: Engine) -> None:
    """A completed job without a callback reports the likely reasons, alone and in the list."""
    record(engine, _fetched())
    state = _transcript(reader)
    reasons = state.pop("reasons")
    assert state == {"available": False, "sentences": None, "missing": "callback_never_came"}
    assert any("rejected list" in reason for reason in reasons)
    assert any("can't be fetched" in reason for reason in reasons)
    listed = json_of(reader.get("/v3/Transcriptions"))["transcriptions"]
    assert listed[0]["transcript"] == {**state, "reasons": reasons}


def test_transcript_is_awaited_during_the_grace_time(reader: FlaskClient, engine: Engine) -> None:
    """During the grace time the transcript isn't missing, and its 404 has Retry-After."""
    now = datetime.now(UTC)
    record(engine, replace(_fetched(updated_at=now), received_at=now))
    assert _transcript(reader) == {"available": False, "sentences": None}
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, True)
    assert "should arrive soon" in json_of(response)["detail"]


def test_row_without_end_counts_from_first_seen(reader: FlaskClient, engine: Engine) -> None:
    """A row without an end time, from an older release, counts from when it was first seen."""
    record(engine, _fetched(updated_at=None))
    with engine.connect() as connection:
        connection.execute(text("UPDATE transcriptions SET ended_at = NULL"))
    assert _transcript(reader)["missing"] == "callback_never_came"
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)


def test_missing_transcript_has_no_retry_after(reader: FlaskClient, engine: Engine) -> None:
    """The 404 of a missing transcript has no Retry-After."""
    record(engine, _fetched())
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)


def test_failed_job_has_no_missing_transcript(reader: FlaskClient, engine: Engine) -> None:
    """A failed job has no missing transcript."""
    record(engine, _fetched(status="FAILED"))
    assert _transcript(reader) == {"available": False, "sentences": None}


def test_quarantined_callback_is_the_reason(reader: FlaskClient, engine: Engine) -> None:
    """A quarantined callback is reported as the reason, with the command that lists it."""
    record(engine, _fetched())
    record_callback(engine, callback("job", status="unforeseen"))
    state = _transcript(reader)
    assert state["missing"] == "callback_quarantined"
    assert "callbacks list" in state["reasons"][0]


def test_callback_without_transcript_is_the_reason(reader: FlaskClient, engine: Engine) -> None:
    """A callback without a transcript is reported as the reason."""
    record_callback(engine, callback("job", updatedAt=NOON.isoformat()))
    assert _transcript(reader)["missing"] == "callback_without_transcript"


def test_transcript_from_a_conversation_is_served(reader: FlaskClient, engine: Engine) -> None:
    """A transcript from a conversation is served like any other, and its source is named."""
    body = callback("job", sentences=[{"text": "Hello.", "audioChannelIndex": 1}])
    event = replace(
        make_event({"status": "COMPLETED", "sentences": 1}, source="conversation"), body=body
    )
    record(engine, event)
    assert _transcript(reader) == {"available": True, "sentences": 1, "source": "conversation"}
    response = reader.get("/v3/Transcriptions/job/Transcript?format=text")
    assert response.text == "Channel 1: Hello.\n"


def test_completeness_figures(reader: FlaskClient, engine: Engine) -> None:
    """The figures count the jobs by their transcript, with the oldest gap and the last pass."""
    record_callback(engine, callback("here", sentences=[]))
    record(engine, _fetched())
    now = datetime.now(UTC)
    late = make_event({"status": "COMPLETED", "updated_at": now}, job="late")
    record(engine, replace(late, received_at=now))
    figures = json_of(reader.get("/v3/Completeness"))
    assert datetime.fromisoformat(figures.pop("asOf")) >= now.replace(microsecond=0)
    assert figures == {
        "completed": 3,
        "withTranscript": 1,
        "awaiting": 1,
        "erased": 0,
        "replaced": 0,
        "missing": 1,
        "oldestMissingAt": "2026-04-02T12:00:00Z",
        "failed": 0,
        "failedResubmitted": 0,
        "failedByCode": {},
        "unknownAtTwilio": 0,
        "since": None,
    }
    store_scan(engine, NOON)
    assert json_of(reader.get("/v3/Completeness"))["since"] == "2026-04-02T12:00:00Z"


def test_completeness_has_failed_jobs(reader: FlaskClient, engine: Engine) -> None:
    """The figures count failed jobs, also by Twilio's code, and the list shows which they are."""
    record(engine, _fetched(status="FAILED", error_code=17552))
    figures = json_of(reader.get("/v3/Completeness"))
    assert (figures["failed"], figures["failedByCode"]) == (1, {"17552": 1})
    assert (figures["completed"], figures["missing"]) == (0, 0)
    listed = json_of(reader.get("/v3/Transcriptions?status=FAILED"))["transcriptions"]
    assert [job["id"] for job in listed] == ["job"]


def test_grace_time_is_a_setting(shared_app: Flask, reader: FlaskClient, engine: Engine) -> None:
    """A longer grace time makes a missing transcript an awaited one."""
    record(engine, _fetched())
    century = int(timedelta(days=36_500).total_seconds())
    with changed_settings(shared_app, reconcile_grace_seconds=century):
        assert "missing" not in _transcript(reader)
        figures = json_of(reader.get("/v3/Completeness"))
    assert (figures["awaiting"], figures["missing"]) == (1, 0)
