"""Tests of erasing: what goes, what stays, and that nothing brings it back."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from receiver.privacy.erase import UnknownJobError, erase
from receiver.privacy.target import Target
from receiver.services import services_of
from receiver.store.erasure.receipts import Receipt, Requester
from receiver.store.tables import erasure_key, events, transcriptions
from tests.support.app import Twilio
from tests.support.samples import COMPLETED, JOB

ADDRESS = "+15551234567"
REQUESTER = Requester(name="officer", reason="request 17")


def _erase(app: Flask, kind: Any, value: str) -> Receipt:
    parts = services_of(app)

    return erase(parts.engine, Target(kind, value), REQUESTER, spool=parts.spool)


def _body(**changes: Any) -> bytes:
    return json.dumps({**json.loads(COMPLETED), **changes}).encode()


def test_erased_job_keeps_nothing_personal(app: Flask, twilio: Twilio) -> None:
    """Of an erased job the status, times and configuration stay, and the bodies' digests."""
    assert twilio.call(COMPLETED).status_code == 204
    receipt = _erase(app, "job", JOB)
    assert receipt.completed_at
    assert receipt.counts == {"jobs": 1, "events": 1, "bodies": 1}
    with services_of(app).engine.connect() as connection:
        job = connection.execute(select(transcriptions)).one()
        [event] = connection.execute(select(events).where(events.c.source == "callback")).all()
    assert job.status == "COMPLETED"
    assert job.duration == 22
    assert job.erased_at
    assert (job.participants, job.source_id, job.transcript_sha256, job.sentences) == (None,) * 4
    assert (event.body, event.url, event.signature) == (None, None, None)
    assert set(event.head) <= {
        "id",
        "account_id",
        "status",
        "configuration_id",
        "duration",
        "language",
        "audio_started_at",
        "created_at",
        "updated_at",
        "error_code",
    }


@pytest.mark.parametrize("body", [COMPLETED, _body(language="de-DE"), _body(status="what")])
def test_late_callback_of_an_erased_job_stores_nothing(
    app: Flask, twilio: Twilio, body: bytes
) -> None:
    """A retry, another body or an unusable one is answered 204, and nothing of it is stored."""
    twilio.call(COMPLETED)
    _erase(app, "job", JOB)
    assert twilio.call(body).status_code == 204
    with services_of(app).engine.connect() as connection:
        assert connection.execute(select(events).where(events.c.body.is_not(None))).all() == []
        assert b"Jane" not in repr(connection.execute(select(events)).all()).encode()
        assert "Jane" not in repr(connection.execute(select(transcriptions)).all())


@pytest.mark.parametrize("kind", ["address", "conversation"])
def test_erase_by_value(app: Flask, twilio: Twilio, kind: str) -> None:
    """All jobs of an address or a conversation go, others stay."""
    value = {"address": ADDRESS, "conversation": "conv_1"}[kind]
    twilio.call(_body(id="a", conversationId="conv_1"))
    twilio.call(_body(id="b", conversationId="conv_1"))
    twilio.call(_body(id="c", participants=[]))
    twilio.call(b'["+15551234567", "conv_1"]')
    receipt = _erase(app, kind, value)
    assert receipt.counts == {"jobs": 2, "events": 3, "bodies": 3}
    assert value not in receipt.target
    with services_of(app).engine.connect() as connection:
        rows = connection.execute(select(transcriptions.c.id, transcriptions.c.erased_at)).all()
    assert {row.id: row.erased_at is not None for row in rows} == {"a": True, "b": True, "c": False}


def test_unknown_job(app: Flask) -> None:
    """A job that nobody knows can't be erased."""
    with pytest.raises(UnknownJobError):
        _erase(app, "job", "nobody")


def test_address_of_a_job_whose_callback_comes_later(app: Flask, twilio: Twilio) -> None:
    """A job that began before its address was erased is erased when its callback comes."""
    _erase(app, "address", ADDRESS)
    assert twilio.call(_body(createdAt="2026-01-01T00:00:00Z")).status_code == 204
    assert twilio.call(_body(id="later", createdAt="2126-01-01T00:00:00Z")).status_code == 204
    with services_of(app).engine.connect() as connection:
        rows = connection.execute(select(transcriptions)).all()
    assert {row.id: row.erased_at is not None for row in rows} == {JOB: True, "later": False}
    assert "Jane" not in repr([row for row in rows if row.id == JOB])


@pytest.mark.own_database
def test_lost_key_costs_no_callback(app: Flask, twilio: Twilio) -> None:
    """If a restore has lost the hashes' key, callbacks are stored, and erasing makes a key."""
    with services_of(app).engine.connect() as connection:
        connection.execute(delete(erasure_key))
    assert twilio.call(COMPLETED).status_code == 204
    with services_of(app).engine.connect() as connection:
        assert connection.execute(select(transcriptions.c.participants)).scalar()
    assert _erase(app, "address", ADDRESS).counts["jobs"] == 1
