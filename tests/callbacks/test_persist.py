"""Tests of the quarantine for events that the database rejects."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.store.event import Event, Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.retry import DatabaseUnavailableError
from tests.support.store_events import ledger_rows

BODY = b'{"anything": "unexpected"}'
INCOMPRESSIBLE = "".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(200))
HEAD = {"id": "job", "account_id": "AC1", "status": "COMPLETED"}
EVENT = Event(
    sha256=hashlib.sha256(BODY).digest(),
    source="callback",
    body=BODY,
    received_at=datetime(2026, 4, 2, tzinfo=UTC),
    job_id="job",
    account_id="AC1",
    head=HEAD,
)


@pytest.mark.parametrize(
    "head",
    [
        HEAD | {"media_url": "a\x00b"},  # rejected by the driver
        HEAD | {"media_url": "\ud800"},  # can't be encoded
        HEAD | {"duration": 10**30},  # rejected by the server
        HEAD | {"language": INCOMPRESSIBLE},  # too large for the index
        HEAD | {"media_url": object()},  # has no encoding
    ],
    ids=["NUL", "surrogate", "out of range", "too large for its index", "not a value"],
)
def test_unstorable_head_is_quarantined(engine: Engine, head: dict[str, object]) -> None:
    """An event whose head Postgres rejects is quarantined byte for byte."""
    event = replace(EVENT, head=head)
    assert (
        record_or_quarantine(partial(record, engine), event, Deadline(10)).outcome
        == Outcome.QUARANTINED
    )
    assert ledger_rows(engine) == [("quarantined", "unstorable", 1)]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT body FROM events")).scalar_one() == BODY


@pytest.mark.own_database
def test_missing_schema_is_unavailable(engine: Engine) -> None:
    """A missing schema means an unavailable database, because the body isn't the cause."""
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE events"))
    with pytest.raises(DatabaseUnavailableError):
        record_or_quarantine(partial(record, engine), EVENT, Deadline(0.2))
