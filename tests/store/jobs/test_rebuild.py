"""Tests of rebuilding: the ledger is the truth, and correct rows stay as they are."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, text

from receiver.store.event import Event
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.record import record
from tests.support.store_events import (
    START,
    deliveries,
    expected_row,
    make_event,
    stored_row,
)

COMPLETED = make_event({"status": "COMPLETED", "updated_at": START, "sentences": 5}, minutes=1)
PENDING = make_event({"status": "PENDING", "duration": 7}, minutes=2)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered=deliveries())
def test_correct_row_stays_as_it_is(engine: Engine, delivered: list[Event]) -> None:
    """The row of any deliveries equals its rebuilt row, so nothing is written."""
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions"))
    for event in delivered:
        record(engine, event)
    assert not rebuild(engine, ["job"])


def test_damaged_or_lost_row_is_restored(engine: Engine) -> None:
    """A row that is missing or differs from the ledger is restored to its fold."""
    for event in (COMPLETED, PENDING):
        record(engine, event)
    for damage in ("UPDATE transcriptions SET status = 'FAILED'", "DELETE FROM transcriptions"):
        with engine.connect() as connection:
            connection.execute(text(damage))
        assert rebuild(engine, ["job"]) == ["job"]
        assert stored_row(engine) == expected_row([COMPLETED, PENDING])
        assert not rebuild(engine, ["job"])


def test_removed_job_is_skipped(engine: Engine) -> None:
    """A job that was removed after it had been listed is skipped."""
    assert not rebuild(engine, ["job"])


def test_only_damaged_rows_of_a_batch_are_written(engine: Engine) -> None:
    """Of many jobs, only those whose row is missing or wrong are written; no other row changes."""
    jobs = [f"job_{number:03}" for number in range(120)]
    for job in jobs:
        record(engine, make_event({"status": "COMPLETED", "duration": 7}, job=job))
    with engine.connect() as connection:
        connection.execute(text("DELETE FROM transcriptions WHERE id = 'job_007'"))
        connection.execute(text("UPDATE transcriptions SET duration = 8 WHERE id > 'job_050'"))
        before = _versions(engine)
    damaged = ["job_007", *jobs[51:]]
    assert rebuild(engine, [*jobs, "unknown"]) == damaged
    after = _versions(engine)
    assert [job for job in jobs if before.get(job) != after[job]] == damaged
    assert {stored_row(engine, job)["duration"] for job in jobs} == {7}


def _versions(engine: Engine) -> dict[str, str]:
    """Return which transaction wrote each job's row."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id, xmin::text AS version FROM transcriptions"))
        return {row.id: row.version for row in rows}


def test_rebuilding_and_recording_run_at_once(engine: Engine) -> None:
    """A job that is rebuilt while its events arrive ends as their fold."""
    events = [
        make_event({"status": "RUNNING", "updated_at": START, "duration": n}) for n in range(20)
    ]
    record(engine, events[0])
    with ThreadPoolExecutor(4) as pool:
        recorded = pool.map(lambda event: record(engine, event), events)
        rebuilt = pool.map(lambda _: rebuild(engine, ["job"]), range(20))
        assert not any(rebuilt)
        list(recorded)
    assert stored_row(engine) == expected_row(events)
