"""A redelivery while an operator rebuilds or has renamed the ledger's indexes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from sqlalchemy import Engine, text

from receiver.runtime.deadline import Deadline
from receiver.store.event import Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from tests.support.store_events import ledger_rows, make_event, quarantined
from tests.support.waiting import wait_until

COMPLETED = make_event({"status": "COMPLETED"})
_OLD_INDEX = "SELECT to_regclass('events_sha256_key_ccold') IS NOT NULL"


@contextmanager
def _held_reindex(url: str) -> Iterator[None]:
    """Stop REINDEX CONCURRENTLY after it has swapped the names, until the block ends.

    It waits there for transactions that have used the table, such as one that an operator left
    open. Writers still fill the old index, under a new name.
    """
    with (
        psycopg.connect(url) as reader,
        psycopg.connect(url, autocommit=True) as other,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        reader.execute("LOCK TABLE events IN ACCESS SHARE MODE")
        statement = "REINDEX INDEX CONCURRENTLY events_sha256_key"
        thread = threading.Thread(target=admin.execute, args=[statement])
        thread.start()
        try:
            wait_until(lambda: other.execute(_OLD_INDEX).fetchone() == (True,))
            yield
        finally:
            reader.rollback()
            thread.join()


def _check_redelivery(engine: Engine) -> None:
    store = partial(record, engine)
    assert record_or_quarantine(store, COMPLETED, Deadline(10)).outcome == Outcome.APPLIED
    assert ledger_rows(engine) == [("applied", None, 2)]


@pytest.mark.own_database
def test_redelivery_during_a_reindex_is_applied(engine: Engine, migrated: str) -> None:
    """A quarantined event that has become valid is applied while its index is rebuilt."""
    record(engine, quarantined(COMPLETED))
    with _held_reindex(migrated):
        _check_redelivery(engine)


@pytest.mark.own_database
def test_redelivery_with_a_renamed_index_is_applied(engine: Engine) -> None:
    """The name of the index that keeps digests unique makes no difference."""
    record(engine, quarantined(COMPLETED))
    with engine.connect() as connection:
        connection.execute(text("ALTER INDEX events_sha256_key RENAME TO another_name"))
    _check_redelivery(engine)
