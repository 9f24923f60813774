"""The doctor's checks of missing transcripts and of reconciling."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from receiver.doctor.finding import Verdict
from receiver.doctor.transcripts import check_reconciled, check_transcripts
from receiver.settings.config import load
from receiver.store.ledger.record import record
from tests.support.environment import ENVIRON
from tests.support.samples import ACCOUNT
from tests.support.store_events import make_event
from tests.support.stored_callbacks import record_callback


def _complete_without_transcript(engine: Engine, number: int) -> None:
    """Complete a job without a transcript, a year ago."""
    document = {"id": f"job_{number}", "accountId": ACCOUNT, "status": "completed"}
    record_callback(engine, json.dumps({**document, "updatedAt": "2025-11-23T12:00:00Z"}).encode())


def test_empty_database_is_ok(engine: Engine) -> None:
    """Nothing is missing in an empty database, and without credentials there is no warning."""
    [finding] = check_transcripts(load(ENVIRON), engine)
    assert finding.verdict == Verdict.OK


def test_missing_transcripts_are_a_warning(engine: Engine) -> None:
    """The warning has the number, the age and the command that fetches them."""
    for number in range(3):
        _complete_without_transcript(engine, number)
    [finding] = check_transcripts(load(ENVIRON), engine)
    assert finding.verdict == Verdict.WARN
    assert "3 of 3 missing, the oldest since 2025-11-23T12:00:00Z" in finding.text
    assert finding.remedy.startswith("Run `flask --app app reconcile`")


@pytest.mark.parametrize(("days", "is_reported"), [(6, True), (8, False)])
def test_failed_jobs_are_a_warning(engine: Engine, days: int, *, is_reported: bool) -> None:
    """The doctor warns of jobs that FAILED within a week, with Twilio's error codes."""
    at = datetime.now(UTC) - timedelta(days=days)
    failed = make_event({"status": "FAILED", "updated_at": at, "error_code": 17552})
    record(engine, replace(failed, received_at=at))
    _, *findings = check_transcripts(load(ENVIRON), engine)
    assert len(findings) == is_reported
    for finding in findings:
        assert finding.verdict == Verdict.WARN
        assert finding.text.startswith("jobs: 1 FAILED at Twilio in the last 7 days, not ")
        assert "17552: 1" in finding.text
        assert "status=FAILED" in finding.remedy


def test_lost_callbacks_are_a_warning(engine: Engine) -> None:
    """The doctor warns of transcripts that came from conversations, although none is missing."""
    at = datetime.now(UTC)
    head = {"status": "COMPLETED", "updated_at": at, "sentences": 2}
    record(engine, replace(make_event(head, source="conversation"), received_at=at))
    missing, finding = check_transcripts(load(ENVIRON), engine)
    assert (missing.verdict, finding.verdict) == (Verdict.OK, Verdict.WARN)
    assert finding.text.startswith("callbacks: 1 transcript of the last 7 days came from conv")
    assert "rejected check" in finding.remedy


def test_jobs_unknown_to_twilio_are_a_warning(engine: Engine) -> None:
    """Jobs that Twilio doesn't know stay unfinished and are no longer polled."""
    record(engine, make_event({"status": "RUNNING"}))
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO watches (job_id, need, gave_up)"
                " VALUES ('job', 'status', 'unknown_at_twilio')"
            )
        )
    _, finding = check_transcripts(load(ENVIRON), engine)
    assert finding.verdict == Verdict.WARN
    assert finding.text.startswith("jobs: 1 unfinished here and unknown at Twilio")
    assert "flask --app app completeness" in finding.remedy


@pytest.mark.parametrize(("hours", "is_reported"), [(25, True), (23, False)])
def test_expired_submissions_are_a_warning(
    engine: Engine, hours: int, *, is_reported: bool
) -> None:
    """A submission without an answer is no longer repeated after a day."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO submissions (idempotency_key, request, submitted_by, created_at,"
                " asked_at) VALUES ('key', '{}', 'me', :at, :at)"
            ),
            {"at": datetime.now(UTC) - timedelta(hours=hours)},
        )
    texts = [finding.text for finding in check_transcripts(load(ENVIRON), engine)]
    assert (
        any(
            line.startswith("submissions: 1 without a response within a day, not repeated: key")
            for line in texts
        )
        == is_reported
    )


def test_missing_transcripts_are_no_failure(app: Flask, engine: Engine) -> None:
    """The command ends with the remedy and exits with 0."""
    _complete_without_transcript(engine, 1)
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 0
    assert "Run `flask --app app reconcile`" in result.stdout.partition("What to do")[2]


@pytest.mark.parametrize(
    ("age", "verdict"),
    [(None, Verdict.WARN), (timedelta(hours=1), Verdict.OK), (timedelta(days=2), Verdict.WARN)],
)
def test_missing_recent_pass_is_a_warning(age: timedelta | None, verdict: Verdict) -> None:
    """Without a complete pass within a day, lost callbacks are unknown."""
    now = datetime.now(UTC)
    assert check_reconciled(None if age is None else now - age, now).verdict == verdict


def test_missing_pass_is_a_warning_with_credentials(engine: Engine) -> None:
    """With credentials the doctor warns if no pass has run."""
    _, finding = check_transcripts(load(ENVIRON | {"TWILIO_ACCOUNT_SID": ACCOUNT}), engine)
    assert finding.verdict == Verdict.WARN
    assert "Procfile's process `reconcile`" in finding.remedy
