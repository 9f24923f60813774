"""Tests of the quarantine for events that the database rejects."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import Engine, text

from receiver.callbacks.persist import Spooled, persist
from receiver.runtime.deadline import Deadline
from receiver.spool.folder import Spool
from receiver.store.engine import transactional
from receiver.store.event import Event, Outcome
from receiver.store.identity import find_lags
from receiver.store.ledger.group_commit import GroupCommitter
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from receiver.store.retry import DatabaseUnavailableError
from tests.support.environment import open_engine
from tests.support.store_events import ledger_rows, make_event

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
        HEAD | {"media_url": object()},  # has no encoding
    ],
    ids=["NUL", "surrogate", "out of range", "not a value"],
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


def test_limit_of_the_server_quarantines_nothing(engine: Engine) -> None:
    """A program limit (class 54) isn't proved to be the values' fault: the database is at fault."""
    event = replace(EVENT, head=HEAD | {"language": INCOMPRESSIBLE})  # too large for its index
    with pytest.raises(DatabaseUnavailableError):
        record_or_quarantine(partial(record, engine), event, Deadline(0.2))
    assert ledger_rows(engine) == []


def test_refusal_by_one_connection_quarantines_nothing(migrated: str) -> None:
    """Values that a new connection accepts are stored, whatever another one refused."""
    with open_engine(migrated) as one_connection:
        with one_connection.connect() as connection:
            # It hides the real table from this session, and refuses every row.
            connection.execute(
                text("CREATE TEMP TABLE transcriptions (LIKE public.transcriptions INCLUDING ALL)")
            )
            connection.execute(text("ALTER TABLE transcriptions ADD CHECK (id IS NULL)"))
        recorded = record_or_quarantine(partial(record, one_connection), EVENT, Deadline(10))
        assert recorded.outcome == Outcome.APPLIED
        assert ledger_rows(one_connection) == [("applied", None, 1)]


def test_unreadable_result_quarantines_nothing(engine: Engine, migrated: str) -> None:
    """What fails in reading the store says nothing about the event's values."""
    record(engine, EVENT)
    late = make_event({"status": "RUNNING"}, job="job", account="AC1", minutes=-1)
    with open_engine(migrated) as one_connection:
        with one_connection.connect() as connection:
            # The driver can't read times in this style; a pooler's other client may set it.
            connection.execute(text("SET DateStyle = 'SQL, DMY'"))
        with pytest.raises(NotImplementedError):
            record_or_quarantine(partial(record, one_connection), late, Deadline(10))
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_locked_job_does_not_trip_the_breaker(engine: Engine, spool: Spool) -> None:
    """A callback of a locked job is spooled, and the next callback goes to the database."""
    committer = GroupCommitter(engine, max_leaders=1)
    committer.record(EVENT)
    locked = replace(EVENT, sha256=bytes(32))
    with transactional(engine).begin() as connection:
        connection.execute(text("SELECT 1 FROM transcriptions FOR UPDATE"))
        assert persist(committer.record, spool, locked, Deadline(3)) == Spooled(durable=True)
    assert not spool.breaker.is_open()


def test_error_of_our_own_quarantines_nothing(engine: Engine) -> None:
    """An error in our own code isn't the values' fault, so it is raised."""

    def fail(_event: Event) -> Recorded:
        record(engine, EVENT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_or_quarantine(fail, EVENT, Deadline(10))
    assert ledger_rows(engine) == [("applied", None, 1)]


def test_lagging_sequence_costs_no_callback(engine: Engine) -> None:
    """If the ledger's sequence lags, the ids that are taken are skipped, and nothing is lost."""
    set_sequence = text("SELECT setval(pg_get_serial_sequence('events', 'id'), :id)")
    with engine.connect() as connection:
        connection.execute(set_sequence, {"id": 5000})
        record(engine, make_event({"status": "COMPLETED"}, job="another"))
        connection.execute(set_sequence, {"id": 5000})
        assert [(lag.table, lag.ids) for lag in find_lags(connection)] == [("events", 1)]
    assert record_or_quarantine(partial(record, engine), EVENT, Deadline(10)).id == 5002
    with engine.connect() as connection:
        assert find_lags(connection) == []


@pytest.mark.own_database
def test_missing_schema_is_unavailable(engine: Engine) -> None:
    """A missing schema means an unavailable database, because the body isn't the cause."""
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE events"))
    with pytest.raises(DatabaseUnavailableError):
        record_or_quarantine(partial(record, engine), EVENT, Deadline(0.2))
