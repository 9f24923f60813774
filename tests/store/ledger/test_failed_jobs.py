"""The log's warning about a job that FAILED at Twilio."""

import logging

import pytest
from sqlalchemy import Engine

from receiver.store.ledger.record import record, record_newest
from tests.support.store_events import START, make_event

FAILED = {"status": "FAILED", "updated_at": START}


def _failures(caplog: pytest.LogCaptureFixture) -> list[tuple[object, object]]:
    """Return the job and the code of each warning."""
    lines = [line for line in caplog.records if line.getMessage() == "a job FAILED at Twilio"]
    assert all(line.levelno == logging.WARNING for line in lines)

    return [(line.__dict__["job"], line.__dict__["code"]) for line in lines]


def test_failed_job_is_logged_once(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """A job that FAILED is logged once, whatever comes later and from whichever source."""
    record(engine, make_event({"status": "RUNNING"}))
    failed = make_event({**FAILED, "error_code": 17552}, minutes=1)
    record(engine, failed)
    record(engine, failed)
    later = {**FAILED, "updated_at": failed.received_at}
    record(engine, make_event(later, source="fetch", minutes=2))
    record(engine, make_event({"status": "PENDING"}, minutes=3))
    assert _failures(caplog) == [("job", 17552)]


def test_each_job_of_a_batch_is_logged(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Of events that are recorded together, each of a job that FAILED is logged, and no other."""
    statuses = ["FAILED", "COMPLETED", "FAILED"]
    record_newest(
        engine,
        [
            make_event({"status": status}, job=f"job_{number}")
            for number, status in enumerate(statuses)
        ],
    )
    assert _failures(caplog) == [("job_0", None), ("job_2", None)]
