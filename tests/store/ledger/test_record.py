"""Recording, case by case."""

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


def test_the_exact_bytes_are_kept(engine: Engine) -> None:
    """The ledger holds the body as it came, whatever bytes it has."""
    body = bytes(range(256))
    record(engine, replace(COMPLETED, body=body))
    with engine.connect() as connection:
        assert connection.execute(select(events.c.body)).scalar_one() == body


def test_a_duplicate_counts_and_changes_nothing(engine: Engine) -> None:
    """The same body again raises `deliveries` and leaves the job's row as it was written."""
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


def test_what_comes_late_is_folded_all_the_same(engine: Engine) -> None:
    """A PENDING after COMPLETED is stale; it takes nothing back, but adds what only it knows."""
    record(engine, COMPLETED)
    assert record(engine, PENDING).outcome == Outcome.STALE
    assert stored_row(engine) == expected_row([COMPLETED, PENDING])
    assert stored_row(engine)["duration"] == 7
    assert stored_row(engine)["status"] == "COMPLETED"


def test_another_account_never_touches_the_job(engine: Engine) -> None:
    """The job is the account's that told of it first; another's event is quarantined."""
    record(engine, PENDING)
    other = make_event({"status": "COMPLETED", "sentences": 1}, account="AC" + "b" * 32, minutes=3)
    assert record(engine, other).outcome == Outcome.QUARANTINED
    assert stored_row(engine) == expected_row([PENDING])
    assert ledger_rows(engine) == [("applied", None, 1), ("quarantined", "foreign_account", 1)]


def test_a_redelivery_is_judged_anew(engine: Engine) -> None:
    """What was quarantined is applied once it passes, as of its first arrival."""
    assert record(engine, quarantined(COMPLETED)).outcome == Outcome.QUARANTINED
    later = replace(COMPLETED, received_at=PENDING.received_at)
    assert record(engine, later).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 2)]
    assert stored_row(engine) == expected_row([COMPLETED])


def test_what_was_applied_is_never_demoted(engine: Engine) -> None:
    """A judgement that no longer lets the body pass only counts the delivery."""
    record(engine, COMPLETED)
    assert record(engine, quarantined(COMPLETED)).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 2)]
    assert stored_row(engine) == expected_row([COMPLETED])


def test_a_quarantined_body_makes_no_job(engine: Engine) -> None:
    """It is in the ledger with its reason, and nowhere else."""
    record(engine, quarantined(COMPLETED))
    record(engine, quarantined(COMPLETED))
    assert ledger_rows(engine) == [("quarantined", "invalid", 2)]
    with engine.connect() as connection:
        assert not connection.execute(text("SELECT 1 FROM transcriptions")).all()


def test_sources_are_ranked(engine: Engine) -> None:
    """Of two equally new events the callback's values win over the fetched ones."""
    told = make_event({"status": "COMPLETED", "updated_at": START, "duration": 1})
    fetched = make_event(
        {"status": "COMPLETED", "updated_at": START, "duration": 2}, source="fetch"
    )
    for each in (told, fetched):
        record(engine, each)
    assert stored_row(engine)["duration"] == 1


@pytest.mark.parametrize("conversation_is_newer", [False, True])
@pytest.mark.parametrize("callback_is_first", [False, True])
def test_a_callbacks_transcript_replaces_a_conversations(
    engine: Engine, *, conversation_is_newer: bool, callback_is_first: bool
) -> None:
    """And never the other way round, whichever came first and whichever says it is newer."""
    newer = START + timedelta(hours=1)
    times = (newer, START) if conversation_is_newer else (START, newer)
    read, told = (
        make_event({"status": "COMPLETED", "updated_at": at, "sentences": 5}, source=source)
        for at, source in zip(times, ("conversation", "callback"), strict=True)
    )
    both = [told, read] if callback_is_first else [read, told]
    for each in both:
        record(engine, each)
    row = stored_row(engine)
    assert row == expected_row(both)
    assert (row["transcript_source"], row["transcript_sha256"]) == ("callback", told.sha256)


def test_a_job_ended_when_the_earliest_word_of_it_says(engine: Engine) -> None:
    """Which may be the newest event, that comes last."""
    vague = make_event({"status": "COMPLETED", "updated_at": None}, minutes=5)
    exact = make_event({"status": "COMPLETED", "updated_at": START}, minutes=9)
    record(engine, vague)
    assert stored_row(engine)["ended_at"] == vague.received_at
    record(engine, exact)
    assert stored_row(engine)["ended_at"] == START


def test_an_empty_callback_does_not_replace_what_a_conversation_says(engine: Engine) -> None:
    """What was said was said."""
    read = make_event({"status": "COMPLETED", "sentences": 5}, source="conversation")
    empty = make_event({"status": "COMPLETED", "sentences": 0, "updated_at": START})
    for each in (read, empty):
        record(engine, each)
    assert stored_row(engine)["sentences"] == 5


def test_a_newest_event_takes_one_statement(engine: Engine) -> None:
    """The way of an ordinary callback is one round trip, which commits by itself."""
    sent: list[object] = []
    engine.connect().close()  # the dialect asks the server some questions once
    watch(engine, before=sent.append, after=lambda _driver: None)
    record(engine, COMPLETED)
    record(engine, NEWER)
    assert len(sent) == 2
    assert count_deliveries(engine) == (2, 2)


@pytest.mark.own_database
def test_a_column_more_is_no_matter(engine: Engine) -> None:
    """A migration adds one while this release serves, with its statement prepared."""
    record(engine, make_event({"status": "RUNNING"}, minutes=1))
    with engine.connect() as connection:
        for table in ("events", "transcriptions"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN later text"))
    recorded = record(engine, make_event({"status": "COMPLETED"}, minutes=2))
    assert recorded.outcome == Outcome.APPLIED
