"""The retention in the reconcile process: once an hour, and never for long."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from receiver.privacy.retention import KEEP_ALL, Retention
from receiver.reconcile.forever import reconcile_forever
from receiver.reconcile.retain_slice import retain_slice
from receiver.store.ledger.record import record
from tests.support.retention import RETENTION, count_all, execute, old_event, rows, seed
from tests.support.world import world

_BODIES = "events WHERE body IS NOT NULL"


def test_loop_removes_what_is_due(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """`reconcile --forever` removes what has been kept for long enough, and logs it."""
    caplog.set_level(logging.INFO, "receiver.reconcile.retain_slice")
    record(engine, old_event("job", days=40))
    slept: list[float] = []
    with world(engine) as env:
        context = replace(env.context, is_stopping=lambda: bool(slept))
        reconcile_forever(context, resubmits=False, sleep=slept.append, retention=RETENTION)
    assert count_all(engine, "transcriptions") == 0
    line = caplog.records[-1]
    assert (line.message, line.jobs) == ("removed what was kept for long enough", 1)  # type: ignore[attr-defined]


def test_pass_is_repeated_after_an_hour(engine: Engine) -> None:
    """After a complete pass, nothing is removed for an hour."""
    with world(engine) as env:
        retain_slice(env.context, RETENTION)
        record(engine, old_event("job", days=11))
        retain_slice(env.context, RETENTION)
        assert count_all(engine, _BODIES) == 1
        execute(engine, "UPDATE retention_progress SET completed_at = now() - interval '61 min'")
        retain_slice(env.context, RETENTION)
        assert count_all(engine, _BODIES) == 0


def test_slice_ends_after_its_time(engine: Engine) -> None:
    """A slice whose time is over ends after a batch, and the next one goes on without a pause."""
    seed(engine, 300, days=11)
    with world(engine) as env:
        retain_slice(env.context, RETENTION, seconds=0)
        left = count_all(engine, _BODIES)
        assert 0 < left < 300
        retain_slice(env.context, RETENTION)
        assert count_all(engine, _BODIES) == 0


def test_slice_ends_when_the_process_stops(engine: Engine) -> None:
    """A slice ends after a batch when the process is stopping."""
    seed(engine, 300, days=11)
    with world(engine) as env:
        retain_slice(replace(env.context, is_stopping=lambda: True), RETENTION)
    assert count_all(engine, _BODIES) > 0


def test_error_is_logged(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """An error of the retention doesn't end the process."""
    execute(engine, "INSERT INTO retention_progress VALUES ('all', 0, 'infinity')")
    with world(engine) as env:
        retain_slice(env.context, Retention(bodies=timedelta(days=1)))
    assert "the retention failed: " in caplog.text


def test_without_settings_nothing_is_read(engine: Engine) -> None:
    """Without a limit, the retention leaves no trace."""
    with world(engine) as env:
        retain_slice(env.context, KEEP_ALL)
    assert rows(engine, "SELECT * FROM retention_progress") == []
