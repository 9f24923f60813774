"""Keeping: the last net under a signed body."""

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

BODY = b'{"what": "nobody foresaw"}'
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
        HEAD | {"media_url": "a\x00b"},  # the driver refuses it
        HEAD | {"media_url": "\ud800"},  # it can't be encoded
        HEAD | {"duration": 10**30},  # the server refuses it
        HEAD | {"language": INCOMPRESSIBLE},  # no index can hold it
        HEAD | {"media_url": object()},  # nobody knows how to send it
    ],
    ids=["NUL", "surrogate", "out of range", "too large for its index", "not a value"],
)
def test_what_the_store_refuses_is_kept_as_bytes(engine: Engine, head: dict[str, object]) -> None:
    """A head that passed our schema and not Postgres is quarantined, with its exact bytes."""
    event = replace(EVENT, head=head)
    assert (
        record_or_quarantine(partial(record, engine), event, Deadline(10)).outcome
        == Outcome.QUARANTINED
    )
    assert ledger_rows(engine) == [("quarantined", "unstorable", 1)]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT body FROM events")).scalar_one() == BODY


@pytest.mark.own_database
def test_a_database_that_is_behind_is_waited_for(engine: Engine) -> None:
    """A schema that isn't there yet is no fault of the body: it ends as unavailable."""
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE events"))
    with pytest.raises(DatabaseUnavailableError):
        record_or_quarantine(partial(record, engine), EVENT, Deadline(0.2))
