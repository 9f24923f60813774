"""A complete pass: which errors end it and which don't."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.run import reconcile, run_pass
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from tests.support.reconciling import SILENT, SLOW, create_due_jobs
from tests.support.world import Mishap, World, world


def _fail_list(error: Exception) -> Mishap:
    """Return a mishap that raises for the list only."""

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
def test_due_jobs_are_polled_if_the_list_fails(engine: Engine, error: Exception) -> None:
    """The report contains the error of the list, and the pass has failed."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 3)
        env.rest.mishap = _fail_list(error)
        report = reconcile(env.context)
        assert sorted(env.rest.fetched()) == sorted(jobs)
        assert (report.checked, report.errors, report.listed) == (3, 0, False)
        assert report.has_failed
        assert report.fault == f"The list of jobs was not read: {error}"


def test_due_jobs_are_polled_if_another_takes_the_list(engine: Engine) -> None:
    """Another reconciler that takes over the list doesn't poll this one's jobs."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        [job] = create_due_jobs(env, 1)

        def take_over(path: str) -> None:
            if path == "/v3/Transcriptions":
                with engine.connect() as connection:
                    connection.execute(text("UPDATE passes SET ended_at = now()"))

        env.rest.mishap = take_over
        report = reconcile(env.context)
        assert env.rest.fetched() == [job]
        assert "Another reconciler" in str(report.fault)


@pytest.mark.parametrize(
    "error",
    [
        TwilioRefusedError(401, 20003, "No."),
        TwilioRefusedError(403, 20003, "No."),
        TwilioBusyError(60),
    ],
)
def test_refusal_of_the_list_ends_the_pass(engine: Engine, error: Exception) -> None:
    """After a 401, a 403 or a 429 for the list the pass makes no other call."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 3)
        env.rest.mishap = _fail_list(error)
        report = reconcile(env.context)
        assert len(env.rest.asked) == 1
        assert report.fault == str(error)


def test_report_has_both_faults(engine: Engine) -> None:
    """The report contains the error of the list and the error that ended the pass later."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 3)

        def fail(path: str) -> None:
            raise (
                TwilioUnavailableError("500.")
                if path == "/v3/Transcriptions"
                else TwilioBusyError(60)
            )

        env.rest.mishap = fail
        report = reconcile(env.context)
        assert report.fault == f"The list of jobs was not read: 500. {TwilioBusyError(60)}"
        assert report.wait == 60


@pytest.mark.own_database
def test_unavailable_database_ends_the_pass(engine: Engine) -> None:
    """A pass without its database reports the failure and makes no call."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 3)
        with engine.connect() as connection:
            connection.execute(text("DROP TABLE watches"))
        report = reconcile(replace(env.context, query_timeout_seconds=0.2))
        assert str(report.fault).startswith("The database did not answer")
        assert env.rest.fetched() == []


def _stop_after_the_first_page(env: World) -> ReconcileContext:
    """Return the context of a process that is terminated while it reads the list."""
    return replace(env.context, is_stopping=lambda: bool(env.rest.asked))


def test_terminated_pass_has_not_failed(engine: Engine) -> None:
    """A half-read list is continued by the next pass and is no error."""
    with world(engine, faults=SILENT) as env:
        env.create(150)
        report = run_pass(_stop_after_the_first_page(env))
        assert (report.checked, report.listed) == (100, False)
        assert (report.fault, report.has_failed) == (None, False)
