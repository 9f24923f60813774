"""Tests of the counts of dropped requests."""

import threading

import pytest
from sqlalchemy import Engine, text

from receiver.rejected.dropped import DroppedCounts
from tests.support.rejected_store import Counts
from tests.support.waiting import wait_until


def test_counts_are_retried_until_they_are_written(
    engine: Engine, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    """Counts that couldn't be written are retried automatically, one batch at a time."""
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE rejected_not_kept RENAME TO hidden"))
    connection_lock = threading.Lock()
    dropped = DroppedCounts(engine, connection_lock, batch_delay_seconds=0)
    dropped.add("unread")
    wait_until(lambda: "not written yet" in caplog.text)
    with connection_lock:
        with engine.connect() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO rejected_not_kept"))
        assert counts() == {}
    wait_until(lambda: counts() == {"unread": 1})
