"""Connections that keep what the database no longer has: a plan, or a search_path."""

from functools import partial

import pytest
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.store.event import Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from tests.support.environment import open_engine
from tests.support.store_events import ledger_rows, make_event

COMPLETED = {"status": "COMPLETED"}


@pytest.mark.own_database
def test_a_changed_column_type_costs_no_callback(engine: Engine, migrated: str) -> None:
    """A stale statement is its connection's fault: a fresh connection records the event."""
    with open_engine(migrated) as one_connection:
        store = partial(record, one_connection)
        store(make_event(COMPLETED, job="before"))
        with engine.connect() as other:
            other.execute(text("ALTER TABLE events ALTER COLUMN detail TYPE varchar"))
        event = make_event(COMPLETED, job="after", minutes=1)
        assert record_or_quarantine(store, event, Deadline(10)).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 1)] * 2


@pytest.mark.own_database
def test_a_corrected_search_path_needs_no_restart(engine: Engine, migrated: str) -> None:
    """A connection that finds no tables is replaced, since the search_path may be right by now."""
    with engine.connect() as admin, open_engine(migrated) as one_connection:
        name = admin.execute(text("SELECT current_database()")).scalar_one()
        admin.execute(text(f"ALTER DATABASE {name} SET search_path = nowhere"))
        with one_connection.connect():
            pass
        admin.execute(text(f"ALTER DATABASE {name} RESET search_path"))
        store = partial(record, one_connection)
        recorded = record_or_quarantine(store, make_event(COMPLETED), Deadline(20))
    assert recorded.outcome == Outcome.APPLIED
