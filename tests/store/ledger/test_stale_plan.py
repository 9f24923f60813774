"""Prepared statements after a migration that changes a column's type."""

from functools import partial

import pytest
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.store.event import Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from tests.support.store_events import ledger_rows, make_event

COMPLETED = {"status": "COMPLETED"}


@pytest.mark.own_database
def test_a_changed_column_type_costs_no_callback(engine: Engine) -> None:
    """A stale statement is its connection's fault: a fresh connection records the event."""
    record(engine, make_event(COMPLETED, job="before"))
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE events ALTER COLUMN detail TYPE varchar"))
        # The pool lends the same connection again, with the statement that was prepared on it.
    recorded = record_or_quarantine(
        partial(record, engine), make_event(COMPLETED, job="after", minutes=1), Deadline(10)
    )
    assert recorded.outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 1)] * 2
