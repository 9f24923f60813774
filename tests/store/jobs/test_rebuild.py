"""Rebuilding: the ledger is the truth, and healthy rows stay as they are."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, text

from receiver.store.event import Event
from receiver.store.jobs.rebuild import count_jobs, job_ids, rebuild
from receiver.store.ledger.record import record
from tests.support.store_events import (
    START,
    deliveries,
    expected_row,
    make_event,
    quarantined,
    stored_row,
)

COMPLETED = make_event({"status": "COMPLETED", "updated_at": START, "sentences": 5}, minutes=1)
PENDING = make_event({"status": "PENDING", "duration": 7}, minutes=2)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered=deliveries())
def test_healthy_rows_stay_untouched(engine: Engine, delivered: list[Event]) -> None:
    """Whatever was delivered, the row is what rebuilding gives."""
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE events, transcriptions"))
    for event in delivered:
        record(engine, event)
    assert not rebuild(engine, "job")


def test_a_damaged_or_lost_row_is_restored(engine: Engine) -> None:
    """A row that says something else than the ledger, or isn't there, becomes its fold again."""
    for event in (COMPLETED, PENDING):
        record(engine, event)
    for damage in ("UPDATE transcriptions SET status = 'FAILED'", "DELETE FROM transcriptions"):
        with engine.connect() as connection:
            connection.execute(text(damage))
        assert rebuild(engine, "job")
        assert stored_row(engine) == expected_row([COMPLETED, PENDING])
        assert not rebuild(engine, "job")


def test_a_job_that_is_gone_is_passed_over(engine: Engine) -> None:
    """One that was removed after it had been listed is no fault."""
    assert not rebuild(engine, "job")


def test_every_job_of_the_ledger_is_named_once(engine: Engine) -> None:
    """What is quarantined makes no job, and many events of a job are one."""
    for number in range(3):
        record(engine, make_event({"status": "PENDING"}, job=f"job_{number}"))
        record(engine, make_event({"status": "COMPLETED"}, job=f"job_{number}"))
    record(engine, quarantined(COMPLETED))
    assert list(job_ids(engine)) == ["job_0", "job_1", "job_2"]
    with engine.connect() as connection:
        assert count_jobs(connection) == 3


def test_callbacks_may_come_in_meanwhile(engine: Engine) -> None:
    """A job that is rebuilt over and over while its events arrive is their fold in the end."""
    events = [
        make_event({"status": "RUNNING", "updated_at": START, "duration": n}) for n in range(20)
    ]
    record(engine, events[0])
    with ThreadPoolExecutor(4) as pool:
        told = pool.map(lambda event: record(engine, event), events)
        rebuilt = pool.map(lambda _: rebuild(engine, "job"), range(20))
        assert not any(rebuilt)
        list(told)
    assert stored_row(engine) == expected_row(events)
