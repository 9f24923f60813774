"""Tests of the message about a change."""

import json
from typing import Any

import jsonschema_rs
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.changes.cursor import Start
from receiver.changes.feed import read_page
from receiver.openapi.document import document
from receiver.push.message import Message, make_message
from receiver.services import services_of
from tests.support.command import run
from tests.support.environment import KEY, PUBLIC_URL
from tests.support.stored_callbacks import callback, json_of, record_callback

SENTENCES = [{"text": "what the caller said"}]


def _message(app: Flask, *, sequence: int = 7) -> Message:
    """Return the message about the only job."""
    parts = services_of(app)
    with parts.engine.connect() as connection:
        page = read_page(connection, Start.BEGINNING, size=2, account_id=None)
    [job] = page.rows

    return make_message(
        job,
        history=page.cursor.history,
        sequence=sequence,
        origin=PUBLIC_URL,
        settings=parts.settings,
    )


def _document(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(message.body)

    return document


def test_message_has_the_job_as_the_feed_shows_it(
    app: Flask, engine: Engine, client: FlaskClient
) -> None:
    """The data are the change of the feed, with the links of PUBLIC_URL and without a sentence."""
    record_callback(engine, callback("job", sentences=SENTENCES, updatedAt="2026-01-02T03:04:05Z"))
    [change] = json_of(client.get("/v3/Changes", auth=KEY, base_url=PUBLIC_URL))["changes"]
    message = _message(app)
    assert _document(message) == {
        "type": "transcription.updated",
        "timestamp": "2026-01-02T03:04:05Z",
        "sequence": 7,
        "data": change,
    }
    assert change["links"]["transcript"] == f"{PUBLIC_URL}/v3/Transcriptions/job/Transcript"
    assert b"caller" not in message.body


def test_message_matches_the_openapi_document(app: Flask, engine: Engine) -> None:
    """The document describes the webhook: its body has a schema, which messages match."""
    [webhook] = document()["webhooks"].values()
    schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
    record_callback(engine, callback("job", sentences=SENTENCES))
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": document()["components"]}
    )
    validator.validate(_document(_message(app)))
    assert not validator.is_valid({"type": "transcription.updated"})


def test_erased_job_has_a_type_of_its_own(app: Flask, engine: Engine) -> None:
    """The message about an erased job says when it was erased."""
    record_callback(engine, callback("job", sentences=SENTENCES))
    assert run(app, "erase", "job", "job", "--yes").exit_code == 0
    document = _document(_message(app))
    assert document["type"] == "transcription.erased"
    assert document["data"]["erased"] is True
    assert document["timestamp"] == document["data"]["erasedAt"]


def test_job_without_a_time_has_the_time_when_it_was_first_seen(app: Flask, engine: Engine) -> None:
    """Each message has a timestamp, even if Twilio sent none."""
    record_callback(engine, callback("job"))
    document = _document(_message(app))
    assert document["data"]["updatedAt"] is None
    assert document["timestamp"] == document["data"]["receivedAt"]


def test_id_is_that_of_the_state(app: Flask, engine: Engine) -> None:
    """Another attempt has the same id, another state of the job has another one."""
    record_callback(engine, callback("job", status="running"))
    first, again = _message(app), _message(app, sequence=8)
    record_callback(engine, callback("job"))
    assert first.id == again.id != _message(app).id
    assert "." not in first.id
