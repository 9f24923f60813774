"""Tests of the index beside others: callbacks, erasures and the retention."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from receiver.store.engine import transactional
from receiver.store.erasure.redact import erase_job
from receiver.store.event import Outcome
from receiver.store.jobs.refold import lock_job
from receiver.store.search.write import Entry, write_entry
from tests.support.erasures import erase_target, target_of
from tests.support.retention import REMOVE_ALL, count_all, run_pass
from tests.support.searching import index, record_spoken
from tests.support.sessions import waits_for_lock
from tests.support.stored_callbacks import callback, record_callback
from tests.support.waiting import wait_until

JOB = "job_1"


@pytest.fixture
def _stored(engine: Engine) -> None:
    record_spoken(engine, JOB, "A refund.")


def _write(connection: Connection) -> None:
    """Write the words of the job, in the connection's transaction."""
    row = connection.execute(text("SELECT transcript_sha256, sort_at FROM transcriptions")).one()
    entry = Entry(JOB, row.transcript_sha256, "simple", row.sort_at, 1)
    assert write_entry(connection, entry, [("refund", "", "", "")])


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(
    "remove",
    [
        lambda engine: run_pass(engine, REMOVE_ALL),
        lambda engine: erase_target(engine, target_of("job", 1)),
    ],
    ids=["retention", "erasure"],
)
def test_words_that_are_being_written_are_removed(engine: Engine, remove: Any) -> None:
    """The retention and an erasure wait for words that are being written, and remove them."""
    with ThreadPoolExecutor() as pool:
        with transactional(engine).begin() as connection:
            _write(connection)
            removed = pool.submit(remove, engine)
            wait_until(lambda: waits_for_lock(engine) or removed.done())
            assert not removed.done()
        removed.result()
    assert count_all(engine, "transcript_index") == 0


@pytest.mark.usefixtures("_stored")
def test_words_of_a_job_that_is_being_erased_are_not_written(engine: Engine) -> None:
    """The index waits for an erasure that has begun, and writes nothing of its job."""
    with ThreadPoolExecutor() as pool:
        with transactional(engine).begin() as connection:
            lock_job(connection, JOB)
            indexed = pool.submit(index, engine)
            wait_until(lambda: waits_for_lock(engine))
            erase_job(connection, JOB, None, datetime.now(UTC))
        indexed.result()
    assert count_all(engine, "transcript_index") == 0


@pytest.mark.usefixtures("_stored")
def test_callback_does_not_wait(engine: Engine) -> None:
    """A newer callback of a job is recorded while the job's words are being written."""
    with transactional(engine).begin() as connection:
        _write(connection)
        body = callback(JOB, updatedAt="2026-05-01T00:00:00Z", sentences=[{"text": "An order."}])
        assert record_callback(engine, body) == Outcome.APPLIED
    index(engine)
    with engine.connect() as connection:
        words = connection.scalars(text("SELECT tsvector_to_array(vector) FROM transcript_index"))
        assert words.all() == [["an", "order"]]
