"""Tests of the slow figures."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from receiver.metrics.figures import Counting, refresh_figures
from receiver.metrics.page import render
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.store.engine import transactional
from receiver.store.erasure.receipts import Requester, complete, open_receipt
from receiver.store.metrics.figures import try_lock
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.support.callback_events import NOON
from tests.support.metrics import MINUTE, snapshot_of, value
from tests.support.rejections import make_rejected
from tests.support.searching import index
from tests.support.stored_callbacks import callback, record_callback

NO_TIME = timedelta(0)
REQUESTER = Requester(name="officer")
GROUPS = {
    *("transcripts", "hours", "callbacks", "reconcile", "rejected", "database", "erasures"),
    "search",
}


def _refresh(
    engine: Engine,
    *,
    max_age: timedelta = NO_TIME,
    statement_seconds: float = 5.0,
    has_search: bool = False,
) -> None:
    refresh_figures(
        engine,
        ConcurrencyLimit(1),
        counting=Counting(NO_TIME, has_search=has_search),
        max_age=max_age,
        statement_seconds=statement_seconds,
    )


def _figures(engine: Engine) -> dict[str, dict[str, float | None]]:
    return {row.name: row.figures for row in snapshot_of(engine).figures or ()}


def _erasures(engine: Engine) -> list[float | None]:
    page = render(snapshot_of(engine), None, is_up=True, is_writable=None).decode()

    return [
        value(page, "receiver_erasures_total", {"kind": kind})
        for kind in ("job", "address", "conversation")
    ]


def test_figures_of_stored_jobs(engine: Engine) -> None:
    """The figures are those of the jobs, the quarantine and the rejected requests."""
    record_callback(engine, callback("voice_transcription_1"))
    record_callback(engine, callback("voice_transcription_2", status="failed"))
    record_callback(engine, b"no JSON")
    store_rejected(engine, make_rejected(1), Quotas(frozenset()))
    _refresh(engine)
    figures = _figures(engine)
    assert figures["transcripts"]["receiver_transcripts_missing"] == 1
    assert figures["transcripts"]["receiver_jobs_failed"] == 1
    assert figures["callbacks"] == {
        "receiver_last_callback_timestamp_seconds": NOON.timestamp(),
        "receiver_quarantined": 1,
    }
    assert figures["rejected"] == {"receiver_rejected_kept": 1}
    assert figures["reconcile"] == {"receiver_reconcile_complete_timestamp_seconds": None}
    assert (figures["database"]["receiver_database_bytes"] or 0) > 1_000_000


def test_complete_erasures_are_counted_by_kind(engine: Engine) -> None:
    """The page counts the complete receipts by kind, and shows none before they are counted."""
    with engine.begin() as connection:
        complete(connection, open_receipt(connection, "job", "a", REQUESTER).id)
        open_receipt(connection, "address", "b", REQUESTER)  # in progress
    assert _erasures(engine) == [None, None, None]
    _refresh(engine)
    assert _erasures(engine) == [1, 0, 0]


def test_figures_are_computed_again_when_they_are_old(engine: Engine) -> None:
    """Figures that are younger than a minute are kept."""
    _refresh(engine)
    record_callback(engine, callback("voice_transcription_1"))
    _refresh(engine, max_age=MINUTE)
    assert _figures(engine)["transcripts"]["receiver_jobs_completed"] == 0
    _refresh(engine)
    assert _figures(engine)["transcripts"]["receiver_jobs_completed"] == 1


def test_search_that_is_off_has_no_time(engine: Engine) -> None:
    """The time of an index that doesn't go on isn't shown, so that no alert fires."""
    index(engine)
    _refresh(engine, has_search=True)
    [indexed_through] = _figures(engine)["search"].values()
    assert indexed_through == pytest.approx(time.time(), abs=60)
    _refresh(engine)
    assert list(_figures(engine)["search"].values()) == [None]


def test_one_process_computes(engine: Engine) -> None:
    """While another process has the lock, nothing is computed."""
    with transactional(engine).connect() as connection, connection.begin():
        assert try_lock(connection)
        _refresh(engine)
        assert _figures(engine) == {}
    _refresh(engine)
    assert _figures(engine).keys() == GROUPS


def test_slow_figures_keep_the_value_before(engine: Engine) -> None:
    """A group that takes too long keeps its value, is tried later, and doesn't stop the others."""
    record_callback(engine, callback("voice_transcription_1"))
    _refresh(engine)
    before = _figures(engine)
    with transactional(engine).connect() as locking, locking.begin():
        locking.execute(text("LOCK TABLE transcriptions"))
        _refresh(engine, statement_seconds=0.05)
    after = _figures(engine)
    assert after["transcripts"] == before["transcripts"]
    assert after.keys() == GROUPS
    _refresh(engine, max_age=timedelta(seconds=0.1))
    rows = snapshot_of(engine).figures or ()
    delayed = {row.name for row in rows if row.computed_at < row.attempted_at}
    assert delayed == {"transcripts", "hours", "callbacks"}


def test_failing_figures_do_not_stop_the_others(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """If one group's statement fails, the others are computed all the same."""
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE rejected RENAME TO hidden"))
    try:
        _refresh(engine)
    finally:
        with engine.connect() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO rejected"))
    assert {name for name, figures in _figures(engine).items() if figures is not None} == GROUPS - {
        "rejected"
    }
    assert "the figures of rejected were not computed: UndefinedTable" in caplog.text


def test_figures_stay_if_what_follows_fails(engine: Engine) -> None:
    """Each group is committed by itself, so a later failure doesn't undo it."""
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE metric_workers RENAME TO hidden"))
    try:
        with pytest.raises(ProgrammingError):
            _refresh(engine)
    finally:
        with engine.connect() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO metric_workers"))
    assert _figures(engine).keys() == GROUPS
