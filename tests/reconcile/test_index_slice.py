"""The index of the search in the reconcile process: how far it is, and that it never ends this."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from receiver.reconcile.forever import reconcile_forever
from receiver.reconcile.index_slice import index_slice
from receiver.store.search.progress import indexed_through
from tests.support.retention import count_all, execute
from tests.support.searching import record_spoken
from tests.support.world import world


def _indexed_through(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        return indexed_through(connection)


@pytest.mark.parametrize("indexes", [True, False])
def test_loop_indexes_if_the_search_is_on(
    engine: Engine, caplog: pytest.LogCaptureFixture, *, indexes: bool
) -> None:
    """`reconcile --forever` indexes new transcripts and logs how many, but only with SEARCH=1."""
    caplog.set_level(logging.INFO, "receiver.reconcile.index_slice")
    record_spoken(engine, "job", "A refund.")
    slept: list[float] = []
    with world(engine) as env:
        context = replace(env.context, is_stopping=lambda: bool(slept))
        reconcile_forever(context, resubmits=False, sleep=slept.append, indexes=indexes)
    assert count_all(engine, "transcript_index", "search_progress") == 2 * indexes
    lines = [(line.message, line.indexed) for line in caplog.records]  # type: ignore[attr-defined]
    assert lines == [("indexed transcripts for the search", 1)] * indexes


def test_slice_ends_after_its_time(engine: Engine) -> None:
    """A slice whose time is over ends after a batch; until the last one, nothing is promised."""
    for number in range(60):
        record_spoken(engine, f"job{number}", "A refund.")
    with world(engine) as env:
        index_slice(env.context, seconds=0)
        assert count_all(engine, "transcript_index") == 50
        assert _indexed_through(engine) is None
        before = datetime.now(UTC)
        index_slice(env.context)
        assert count_all(engine, "transcript_index") == 60
        first = _indexed_through(engine)
        assert first
        assert first < before  # when the sweep began
        index_slice(env.context)
        assert (_indexed_through(engine) or first) > before


def test_error_is_logged(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """An error of the index doesn't end the process, and its text isn't logged."""
    record_spoken(engine, "job", "A secret refund.")
    execute(engine, "ALTER TABLE transcript_index ADD CONSTRAINT no CHECK (job_id <> 'job')")
    try:
        with world(engine) as env:
            index_slice(env.context)
    finally:
        execute(engine, "ALTER TABLE transcript_index DROP CONSTRAINT no")
    assert "the index of the search failed: " in caplog.text
    assert "secret" not in caplog.text


def test_feed_that_cannot_be_read_is_a_warning(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """After a restore into another server, the index waits until the feed is repaired."""
    record_spoken(engine, "job", "A refund.")
    execute(engine, "UPDATE transcriptions SET transaction_id = '999999999999'")
    with world(engine) as env:
        index_slice(env.context)
    [line] = caplog.records
    assert (line.levelname, "changes repair" in line.message) == ("WARNING", True)
