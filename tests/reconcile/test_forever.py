"""The loop of `reconcile --forever`: no error of a pass ends it."""

import logging
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.forever import RECOVERY_SECONDS, reconcile_forever
from receiver.twilio.client import TwilioRefusedError
from tests.support.reconciling import SILENT
from tests.support.world import world

SECRET = "what the caller said"


def _run_passes(context: ReconcileContext, count: int) -> list[float]:
    """Run this number of passes, and return the seconds of sleep after each."""
    slept: list[float] = []
    limited = replace(context, is_stopping=lambda: len(slept) == count)
    reconcile_forever(limited, resubmits=False, sleep=slept.append)

    return slept


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), TwilioRefusedError(401, 20003, "Authenticate.")]
)
def test_error_of_a_pass_does_not_end_the_loop(
    engine: Engine, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """An error is logged without its text, which may be Twilio's, and the next pass comes later."""
    with world(engine) as env:

        def fail(_path: str) -> None:
            raise error

        env.rest.mishap = fail
        assert _run_passes(env.context, 2)[0] == RECOVERY_SECONDS
        # The list is due later, and no job is due.
        assert len(env.rest.asked) == 1
    [record] = caplog.records
    assert record.levelno >= logging.WARNING
    assert SECRET not in caplog.text


def test_error_between_two_passes_does_not_end_the_loop(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A timestamp that Python can't represent fails every pass, and the loop goes on."""
    with world(engine, faults=SILENT) as env:
        env.create()
        _run_passes(env.context, 1)
        with engine.connect() as connection:
            connection.execute(text("UPDATE passes SET ended_at = '-infinity'"))
        assert _run_passes(env.context, 2) == [RECOVERY_SECONDS] * 2
    assert caplog.text.count("a pass failed: ") == 2


def test_idle_loop_runs_once_a_minute(engine: Engine) -> None:
    """An idle pass only queries the database and makes no call to Twilio."""
    with world(engine) as env:
        slept = _run_passes(env.context, 3)
        assert slept == [60.0] * 3
        assert len(env.rest.asked) == 1
