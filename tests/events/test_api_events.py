"""Tests of recording Twilio's API responses in the ledger."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from receiver.events.api_events import Source, event_of, record_response
from receiver.store.event import Outcome
from receiver.store.jobs import read
from receiver.store.ledger.recorded import Recorded
from tests.support.samples import ACCOUNT, JOB
from tests.support.scripted import document
from tests.support.stored_callbacks import callback, record_callback

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def _record(engine: Engine, source: Source, body: bytes) -> Recorded:
    return record_response(engine, event_of(source, body, NOON))


def _job(engine: Engine) -> read.Row:
    with engine.connect() as connection:
        job = read.transcription(connection, JOB)
    assert job is not None

    return job


def test_document_creates_the_job(engine: Engine) -> None:
    """A document creates or updates its job, and isn't counted as a callback."""
    recorded = _record(engine, "fetch", json.dumps(document(status="RUNNING")).encode())
    assert recorded.outcome == Outcome.APPLIED
    job = _job(engine)
    assert (job["status"], job["account_id"], job["received_at"]) == ("RUNNING", ACCOUNT, None)
    envelope = {"status": "COMPLETED", "transcription": document(status="COMPLETED")}
    _record(engine, "fetch", json.dumps(envelope).encode())
    assert _job(engine)["status"] == "COMPLETED"


def test_same_document_is_one_event(engine: Engine) -> None:
    """The same document with another order of members and spacing is the same event."""
    document_body = json.dumps(document()).encode()
    reordered_body = json.dumps(dict(reversed(document().items())), indent=1).encode()
    assert _record(engine, "fetch", document_body).id == _record(engine, "fetch", reordered_body).id


def test_each_source_is_a_separate_event(engine: Engine) -> None:
    """The same bytes from a callback, a fetch and a submission are three events."""
    body = callback(JOB)
    record_callback(engine, body)
    _record(engine, "fetch", body)
    _record(engine, "submission", body)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT source, outcome FROM events ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("callback", "applied"),
        ("fetch", "stale"),
        ("submission", "stale"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "undecodable"),
        (b"[]", "undecodable"),
        (b"[" * 100_000, "undecodable"),
        (b'{"id": "job_1", "accountId": "AC1"}', "invalid"),
        (b'{"id": "a b"}', "invalid"),
    ],
)
def test_invalid_document_is_quarantined(engine: Engine, body: bytes, reason: str) -> None:
    """An invalid document is quarantined with its reason."""
    recorded = _record(engine, "fetch", body)
    assert (recorded.outcome, recorded.reason) == (Outcome.QUARANTINED, reason)


def test_quarantined_document_has_its_ids() -> None:
    """A quarantined document's event contains the ids that the document names."""
    event = event_of("fetch", b'{"id": "job_1", "accountId": "AC1"}', NOON)
    assert (event.job_id, event.account_id, event.head) == ("job_1", "AC1", None)


@pytest.mark.own_database
def test_unstorable_document_is_quarantined(engine: Engine) -> None:
    """A valid document with a value that Postgres rejects is quarantined."""
    with engine.connect() as connection:
        connection.execute(
            text("ALTER TABLE transcriptions ADD CHECK (media_url <> 'https://example.com/no')")
        )
    body = json.dumps(document(mediaUrl="https://example.com/no")).encode()
    recorded = _record(engine, "fetch", body)
    assert (recorded.outcome, recorded.reason) == (Outcome.QUARANTINED, "unstorable")
