"""What the API tells of missing transcripts."""

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
from tests.support.store_events import make_event
from tests.support.stored_callbacks import callback, json_of, record_callback

RESOLVED = {
    "transcriptionStatusCallback": {"url": "https://app.example.com/callbacks/transcription"},
    "conversationConfigurationId": None,
}


def _fetched(**head: Any) -> Event:
    head = {"status": "COMPLETED", "updated_at": NOON, "resolved_configuration": RESOLVED, **head}

    return make_event(head, source="fetch", minutes=10_000)


def _transcript(reader: FlaskClient, job: str = "job") -> dict[str, Any]:
    state: dict[str, Any] = json_of(reader.get(f"/v3/Transcriptions/{job}"))["transcription"][
        "transcript"
    ]

    return state


def test_a_callback_that_never_came_is_told(reader: FlaskClient, engine: Engine) -> None:
    """A job that is completed at Twilio and has nothing here says so, with the likely reasons."""
    record(engine, _fetched())
    state = _transcript(reader)
    reasons = state.pop("reasons")
    assert state == {"available": False, "sentences": None, "missing": "callback_never_came"}
    assert any("rejected list" in reason for reason in reasons)
    assert any("can't be fetched" in reason for reason in reasons)
    listed = json_of(reader.get("/v3/Transcriptions"))["transcriptions"]
    assert listed[0]["transcript"] == {**state, "reasons": reasons}


def test_before_the_grace_time_is_over_nothing_is_missing(
    reader: FlaskClient, engine: Engine
) -> None:
    """Its callback may still come: the transcript's 404 says when to ask again."""
    now = datetime.now(UTC)
    record(engine, replace(_fetched(updated_at=now), received_at=now))
    assert _transcript(reader) == {"available": False, "sentences": None}
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, True)
    assert "should arrive soon" in json_of(response)["detail"]


def test_a_row_of_an_older_release_is_not_awaited_for_ever(
    reader: FlaskClient, engine: Engine
) -> None:
    """It doesn't tell when its job ended, but when we first heard of that is long ago."""
    record(engine, _fetched(updated_at=None))
    with engine.connect() as connection:
        connection.execute(text("UPDATE transcriptions SET ended_at = NULL"))
    assert _transcript(reader)["missing"] == "callback_never_came"
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)


def test_afterwards_nobody_is_told_to_wait(reader: FlaskClient, engine: Engine) -> None:
    """A transcript that is missing doesn't come by asking for it."""
    record(engine, _fetched())
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)


def test_a_failed_job_lacks_nothing(reader: FlaskClient, engine: Engine) -> None:
    """Only COMPLETED is a promised event."""
    record(engine, _fetched(status="FAILED"))
    assert _transcript(reader) == {"available": False, "sentences": None}


def test_a_callback_that_was_quarantined_is_the_reason(reader: FlaskClient, engine: Engine) -> None:
    """It came, and the operator can do something about it."""
    record(engine, _fetched())
    record_callback(engine, callback("job", participants="none"))
    state = _transcript(reader)
    assert state["missing"] == "callback_quarantined"
    assert "callbacks list" in state["reasons"][0]


def test_a_callback_without_a_transcript_is_told(reader: FlaskClient, engine: Engine) -> None:
    """It came, and didn't keep the promise."""
    record_callback(engine, callback("job", updatedAt=NOON.isoformat()))
    assert _transcript(reader)["missing"] == "callback_without_transcript"


def test_what_a_conversation_gave_back_is_served_like_any_other(
    reader: FlaskClient, engine: Engine
) -> None:
    """It says where it is from."""
    body = callback("job", sentences=[{"text": "Hello.", "audioChannelIndex": 1}])
    event = replace(
        make_event({"status": "COMPLETED", "sentences": 1}, source="conversation"), body=body
    )
    record(engine, event)
    assert _transcript(reader) == {"available": True, "sentences": 1, "source": "conversation"}
    response = reader.get("/v3/Transcriptions/job/Transcript?format=text")
    assert response.text == "Channel 1: Hello.\n"


def test_completeness_is_a_figure(reader: FlaskClient, engine: Engine) -> None:
    """Promised, here, still to come, missing; since when the oldest, and as of when it is known."""
    record_callback(engine, callback("here", sentences=[]))
    record(engine, _fetched())
    now = datetime.now(UTC)
    late = make_event({"status": "COMPLETED", "updated_at": now}, job="late")
    record(engine, replace(late, received_at=now))
    assert json_of(reader.get("/v3/Completeness")) == {
        "completed": 3,
        "withTranscript": 1,
        "awaiting": 1,
        "replaced": 0,
        "missing": 1,
        "oldestMissingAt": "2026-04-02T12:00:00Z",
        "unknownAtTwilio": 0,
        "since": None,
    }
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO passes (started_at, created_after, leased_until, completed_at,"
                " ended_at) VALUES (:at, :at, :at, :at, :at)"
            ),
            {"at": NOON},
        )
    assert json_of(reader.get("/v3/Completeness"))["since"] == "2026-04-02T12:00:00Z"


def test_the_grace_time_is_a_setting(
    shared_app: Flask, reader: FlaskClient, engine: Engine
) -> None:
    """With a longer one the same job is still awaited."""
    record(engine, _fetched())
    century = int(timedelta(days=36_500).total_seconds())
    with changed_settings(shared_app, reconcile_grace_seconds=century):
        assert "missing" not in _transcript(reader)
        figures = json_of(reader.get("/v3/Completeness"))
    assert (figures["awaiting"], figures["missing"]) == (1, 0)
