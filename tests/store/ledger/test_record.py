"""Tests of recording one event, case by case."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.store.event import Outcome
from receiver.store.ledger.record import record
from receiver.store.tables import events
from tests.support.sessions import watch
from tests.support.store_events import (
    START,
    count_deliveries,
    expected_row,
    ledger_rows,
    make_event,
    quarantined,
    stored_row,
)

COMPLETED = make_event({"status": "COMPLETED", "updated_at": START, "sentences": 5}, minutes=1)
NEWER = make_event({"status": "COMPLETED", "updated_at": COMPLETED.received_at}, minutes=3)
PENDING = make_event({"status": "PENDING", "duration": 7}, minutes=2)


def test_body_is_stored_byte_for_byte(engine: Engine) -> None:
    """The ledger stores the body byte for byte."""
    body = bytes(range(256))
    record(engine, replace(COMPLETED, body=body))
    with engine.connect() as connection:
        assert connection.execute(select(events.c.body)).scalar_one() == body


def test_duplicate_is_counted_and_changes_nothing(engine: Engine) -> None:
    """A duplicate raises `deliveries` and doesn't write the job's row."""
    record(engine, COMPLETED)
    writer = text("SELECT transaction_id::text FROM transcriptions")
    with engine.connect() as connection:
        before = connection.execute(writer).scalar_one()
    assert (
        record(engine, replace(COMPLETED, received_at=PENDING.received_at)).outcome
        == Outcome.APPLIED
    )
    assert ledger_rows(engine) == [("applied", None, 2)]
    assert stored_row(engine) == expected_row([COMPLETED])
    with engine.connect() as connection:
        assert connection.execute(writer).scalar_one() == before


def test_late_event_is_stale_and_folded(engine: Engine) -> None:
    """A PENDING after COMPLETED is stale, and adds only the values that no other event has."""
    record(engine, COMPLETED)
    assert record(engine, PENDING).outcome == Outcome.STALE
    assert stored_row(engine) == expected_row([COMPLETED, PENDING])
    assert stored_row(engine)["duration"] == 7
    assert stored_row(engine)["status"] == "COMPLETED"


def test_foreign_event_is_quarantined(engine: Engine) -> None:
    """An event of another account than the job's is quarantined and leaves the job unchanged."""
    record(engine, PENDING)
    other = make_event({"status": "COMPLETED", "sentences": 1}, account="AC" + "b" * 32, minutes=3)
    assert record(engine, other).outcome == Outcome.QUARANTINED
    assert stored_row(engine) == expected_row([PENDING])
    assert ledger_rows(engine) == [("applied", None, 1), ("quarantined", "foreign_account", 1)]


def test_valid_redelivery_of_quarantined_event_is_applied(engine: Engine) -> None:
    """A quarantined event is applied once it is valid, with the time of its first arrival."""
    assert record(engine, quarantined(COMPLETED)).outcome == Outcome.QUARANTINED
    later = replace(COMPLETED, received_at=PENDING.received_at)
    assert record(engine, later).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 2)]
    assert stored_row(engine) == expected_row([COMPLETED])


def test_applied_event_stays_applied(engine: Engine) -> None:
    """An applied event whose redelivery is invalid stays applied; only the delivery is counted."""
    record(engine, COMPLETED)
    assert record(engine, quarantined(COMPLETED)).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 2)]
    assert stored_row(engine) == expected_row([COMPLETED])


def test_quarantined_event_makes_no_job(engine: Engine) -> None:
    """A quarantined event is in the ledger with its reason, and makes no job."""
    record(engine, quarantined(COMPLETED))
    record(engine, quarantined(COMPLETED))
    assert ledger_rows(engine) == [("quarantined", "invalid", 2)]
    with engine.connect() as connection:
        assert not connection.execute(text("SELECT 1 FROM transcriptions")).all()


def test_callback_outranks_fetched_event(engine: Engine) -> None:
    """A callback's values win over those of an equally new fetched event."""
    called = make_event({"status": "COMPLETED", "updated_at": START, "duration": 1})
    fetched = make_event(
        {"status": "COMPLETED", "updated_at": START, "duration": 2}, source="fetch"
    )
    for event in (called, fetched):
        record(engine, event)
    assert stored_row(engine)["duration"] == 1


@pytest.mark.parametrize("conversation_is_newer", [False, True])
@pytest.mark.parametrize("callback_is_first", [False, True])
def test_callback_transcript_replaces_a_conversations(
    engine: Engine, *, conversation_is_newer: bool, callback_is_first: bool
) -> None:
    """A callback's transcript replaces a conversation's, in any order and with any times."""
    newer = START + timedelta(hours=1)
    times = (newer, START) if conversation_is_newer else (START, newer)
    from_conversation, called = (
        make_event({"status": "COMPLETED", "updated_at": at, "sentences": 5}, source=source)
        for at, source in zip(times, ("conversation", "callback"), strict=True)
    )
    both = [called, from_conversation] if callback_is_first else [from_conversation, called]
    for event in both:
        record(engine, event)
    row = stored_row(engine)
    assert row == expected_row(both)
    assert (row["transcript_source"], row["transcript_sha256"]) == ("callback", called.sha256)


def test_end_is_the_earliest_known(engine: Engine) -> None:
    """A job's end is the earliest that any terminal event contains, even the last to arrive."""
    vague = make_event({"status": "COMPLETED", "updated_at": None}, minutes=5)
    exact = make_event({"status": "COMPLETED", "updated_at": START}, minutes=9)
    record(engine, vague)
    assert stored_row(engine)["ended_at"] == vague.received_at
    record(engine, exact)
    assert stored_row(engine)["ended_at"] == START


def test_empty_callback_keeps_a_conversations_transcript(engine: Engine) -> None:
    """A callback without sentences doesn't replace a conversation's transcript."""
    from_conversation = make_event({"status": "COMPLETED", "sentences": 5}, source="conversation")
    empty = make_event({"status": "COMPLETED", "sentences": 0, "updated_at": START})
    for event in (from_conversation, empty):
        record(engine, event)
    assert stored_row(engine)["sentences"] == 5


def test_newest_event_takes_one_statement(engine: Engine) -> None:
    """A job's newest event is recorded by one statement, which commits by itself."""
    drivers: list[object] = []
    engine.connect().close()  # the dialect queries the server once
    watch(engine, before=drivers.append, after=lambda _driver: None)
    record(engine, COMPLETED)
    record(engine, NEWER)
    assert len(drivers) == 2
    assert count_deliveries(engine) == (2, 2)


@pytest.mark.own_database
def test_added_column_does_not_break_recording(engine: Engine) -> None:
    """A migration may add a column while this release serves with its statement prepared."""
    record(engine, make_event({"status": "RUNNING"}, minutes=1))
    with engine.connect() as connection:
        for table in ("events", "transcriptions"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN later text"))
    recorded = record(engine, make_event({"status": "COMPLETED"}, minutes=2))
    assert recorded.outcome == Outcome.APPLIED
