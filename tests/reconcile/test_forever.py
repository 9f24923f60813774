"""Reconciling for good: nothing that befalls a pass ends it."""

import logging
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.forever import RECOVERY_SECONDS, reconcile_forever
from receiver.simulator.faults import Faults
from receiver.twilio.client import TwilioRefusedError
from tests.support.world import world

SECRET = "what the caller said"


def _rounds(context: ReconcileContext, count: int) -> list[float]:
    """Go on for so many passes, and return how long it would have slept after each."""
    slept: list[float] = []
    counted = replace(context, is_stopping=lambda: len(slept) == count)
    reconcile_forever(counted, resubmits=False, sleep=slept.append)

    return slept


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), TwilioRefusedError(401, 20003, "Authenticate.")]
)
def test_whatever_a_pass_raises_is_slept_over(
    engine: Engine, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """It is logged without its text, which may be Twilio's, and tried again after a while."""
    with world(engine) as here:

        def fail(_path: str) -> None:
            raise error

        here.rest.mishap = fail
        assert _rounds(here.context, 2)[0] == RECOVERY_SECONDS
        # The list's turn comes later; nothing else was due.
        assert len(here.rest.asked) == 1
    [record] = caplog.records
    assert record.levelno >= logging.WARNING
    assert SECRET not in caplog.text


def test_what_fails_between_two_passes_is_slept_over(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """A moment that Python has no word for, say: each round meets it, and there is a next one."""
    with world(engine, faults=Faults(lost=1)) as here:
        here.create()
        _rounds(here.context, 1)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = 'infinity'"))
        assert _rounds(here.context, 2) == [RECOVERY_SECONDS] * 2
    assert caplog.text.count("a pass failed: ") == 2


def test_while_nothing_happens_it_looks_once_a_minute(engine: Engine) -> None:
    """A look at our own database costs Twilio nothing."""
    with world(engine) as here:
        slept = _rounds(here.context, 3)
        assert slept == [60.0] * 3
        assert len(here.rest.asked) == 1
