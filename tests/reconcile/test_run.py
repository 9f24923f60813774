"""A pass as a whole: what ends it, and what doesn't."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.reconcile import context
from receiver.reconcile.run import reconcile, run_pass
from receiver.simulator.faults import Delays, Faults
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from tests.support.world import Mishap, World, world

SLOW = Delays(pending=1, running=3600, conversation=3600)
SILENT = Faults(lost=1)


def _known(here: World, count: int) -> list[str]:
    """Let there be unfinished jobs that are known and due."""
    jobs = here.create(count)
    reconcile(here.context)
    here.simulator.advance(20)
    here.rest.asked.clear()

    return jobs


def _only_the_list(error: Exception) -> Mishap:
    def fail(path: str) -> None:
        if path == "/v3/Transcriptions":
            raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        TwilioUnavailableError("Twilio answered 500."),
        TwilioRefusedError(400, 20001, "No such page."),
    ],
)
def test_what_is_due_is_asked_about_though_the_list_fails(engine: Engine, error: Exception) -> None:
    """The report tells what was wrong with the list, and the pass has failed."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 3)
        here.rest.mishap = _only_the_list(error)
        report = reconcile(here.context)
        assert sorted(here.rest.fetched()) == sorted(jobs)
        assert (report.checked, report.errors, report.listed) == (3, 0, False)
        assert report.has_failed
        assert report.fault == f"The list of jobs was not read: {error}"


def test_what_is_due_is_asked_about_though_another_took_the_list(engine: Engine) -> None:
    """It goes through the list, not through our jobs."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        [job] = _known(here, 1)

        def taken(path: str) -> None:
            if path == "/v3/Transcriptions":
                with engine.connect() as connection:
                    connection.execute(text("UPDATE passes SET ended_at = now()"))

        here.rest.mishap = taken
        report = reconcile(here.context)
        assert here.rest.fetched() == [job]
        assert "Another reconciler" in str(report.fault)


@pytest.mark.parametrize(
    "error",
    [
        TwilioRefusedError(401, 20003, "No."),
        TwilioRefusedError(403, 20003, "No."),
        TwilioBusyError(60),
    ],
)
def test_what_would_befall_every_request_ends_the_pass(engine: Engine, error: Exception) -> None:
    """After a 401, a 403 or a 429 for the list nothing else is asked."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 3)
        here.rest.mishap = _only_the_list(error)
        report = reconcile(here.context)
        assert len(here.rest.asked) == 1
        assert report.fault == str(error)


def test_both_faults_are_told(engine: Engine) -> None:
    """That of the list, and what ended the pass after it."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 3)

        def fail(path: str) -> None:
            raise (
                TwilioUnavailableError("500.")
                if path == "/v3/Transcriptions"
                else TwilioBusyError(60)
            )

        here.rest.mishap = fail
        report = reconcile(here.context)
        assert report.fault == f"The list of jobs was not read: 500. {TwilioBusyError(60)}"
        assert report.wait == 60


@pytest.mark.own_database
def test_a_database_that_is_away_ends_the_pass(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it nothing can be asked, nor said."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 3)
        with engine.connect() as connection:
            connection.execute(text("DROP TABLE watches"))
        monkeypatch.setattr(context, "REQUEST_SECONDS", 0.2)
        report = reconcile(here.context)
        assert str(report.fault).startswith("The database did not answer")
        assert here.rest.fetched() == []


def _lives_until_the_first_page(here: World) -> context.ReconcileContext:
    """Return the desk of a process that is told to end while the list is read."""
    return replace(here.context, is_stopping=lambda: bool(here.rest.asked))


def test_a_process_that_is_told_to_end_has_not_failed(engine: Engine) -> None:
    """A list that is left half read is taken up by the next pass, and nothing was wrong."""
    with world(engine, faults=SILENT) as here:
        here.create(150)
        report = run_pass(_lives_until_the_first_page(here))
        assert (report.checked, report.listed) == (100, False)
        assert (report.fault, report.has_failed) == (None, False)
