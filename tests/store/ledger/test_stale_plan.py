"""Prepared statements after a migration that changes a column's type."""

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
