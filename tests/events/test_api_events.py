"""What Twilio answered, in the ledger."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from receiver.events.api_events import Source, event_of, record_response
from receiver.store.event import Outcome
from receiver.store.jobs import read
from receiver.store.ledger.record import Recorded
from tests.support.scripted import ACCOUNT, JOB, document
from tests.support.stored_callbacks import callback
from tests.support.stored_callbacks import record_callback as call_back

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def _tell(engine: Engine, source: Source, body: bytes) -> Recorded:
    return record_response(engine, event_of(source, body, NOON))


def _job(engine: Engine) -> read.Row:
    with engine.connect() as connection:
        job = read.transcription(connection, JOB)
    assert job is not None

    return job


def test_a_document_makes_the_job(engine: Engine) -> None:
    """Flat or in its envelope, it is applied, and no callback is counted as received."""
    told = _tell(engine, "fetch", json.dumps(document(status="RUNNING")).encode())
    assert told.outcome == Outcome.APPLIED
    job = _job(engine)
    assert (job["status"], job["account_id"], job["received_at"]) == ("RUNNING", ACCOUNT, None)
    envelope = {"status": "COMPLETED", "transcription": document(status="COMPLETED")}
    _tell(engine, "fetch", json.dumps(envelope).encode())
    assert _job(engine)["status"] == "COMPLETED"


def test_the_same_told_twice_is_one_event(engine: Engine) -> None:
    """Another order of the members is no other document."""
    there = json.dumps(document()).encode()
    back = json.dumps(dict(reversed(document().items())), indent=1).encode()
    assert _tell(engine, "fetch", there).id == _tell(engine, "fetch", back).id


def test_sources_are_told_apart(engine: Engine) -> None:
    """The same bytes by a callback, a fetch and a submission are three events."""
    body = callback(JOB)
    call_back(engine, body)
    _tell(engine, "fetch", body)
    _tell(engine, "submission", body)
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
def test_what_is_no_job_is_quarantined(engine: Engine, body: bytes, reason: str) -> None:
    """It raises nothing, keeps the bytes and says why."""
    told = _tell(engine, "fetch", body)
    assert (told.outcome, told.reason) == (Outcome.QUARANTINED, reason)


def test_a_quarantined_document_can_be_found() -> None:
    """What it claims to be about is told."""
    event = event_of("fetch", b'{"id": "job_1", "accountId": "AC1"}', NOON)
    assert (event.job_id, event.account_id, event.head) == ("job_1", "AC1", None)


@pytest.mark.own_database
def test_what_the_store_refuses_is_kept(engine: Engine) -> None:
    """A value that passed all checks and that Postgres doesn't take is quarantined."""
    with engine.connect() as connection:
        connection.execute(
            text("ALTER TABLE transcriptions ADD CHECK (media_url <> 'https://example.com/no')")
        )
    body = json.dumps(document(mediaUrl="https://example.com/no")).encode()
    told = _tell(engine, "fetch", body)
    assert (told.outcome, told.reason) == (Outcome.QUARANTINED, "unstorable")
