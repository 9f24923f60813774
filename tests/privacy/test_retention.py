"""Tests of the retention: bodies go first, the rest later, and nothing too early."""

from sqlalchemy import Engine

from tests.support.retention import days_ago, rows, run_pass
from tests.support.stored_callbacks import callback, record_callback

SENTENCES = [{"text": "what the caller said"}]


def test_body_expires_before_its_job(engine: Engine) -> None:
    """After the time for bodies, the body is gone; the job and the event's head stay."""
    record_callback(engine, callback("job_1", sentences=SENTENCES), at=days_ago(11))
    record_callback(engine, callback("job_2", sentences=SENTENCES), at=days_ago(9))
    assert run_pass(engine) == {"bodies": 1}
    assert rows(
        engine, "SELECT job_id, body IS NULL, head ->> 'status' FROM events ORDER BY 1"
    ) == [
        ("job_1", True, "COMPLETED"),
        ("job_2", False, "COMPLETED"),
    ]
    expired = (
        "SELECT id, transcript_expired_at IS NOT NULL, sentences FROM transcriptions ORDER BY 1"
    )
    assert rows(engine, expired) == [("job_1", True, 1), ("job_2", False, 1)]
    assert run_pass(engine) == {}


def test_job_goes_with_all_that_belongs_to_it(engine: Engine) -> None:
    """After the time for the rest, the job and its events are gone, and a tombstone is there."""
    record_callback(engine, callback("job_1", sentences=SENTENCES), at=days_ago(31))
    record_callback(engine, callback("job_1", sentences=SENTENCES, duration=7), at=days_ago(31))
    record_callback(engine, callback("job_2", sentences=SENTENCES), at=days_ago(29))
    assert run_pass(engine) == {"bodies": 3, "jobs": 1, "events": 2}
    assert rows(engine, "SELECT job_id FROM events") == [("job_2",)]
    assert rows(engine, "SELECT id FROM transcriptions") == [("job_2",)]
    assert rows(engine, "SELECT key FROM tombstones") == [("job:job_1",)]
