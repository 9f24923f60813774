"""The doctor on missing transcripts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from receiver.doctor.finding import Verdict
from receiver.doctor.transcripts import check_reconciled, check_transcripts
from receiver.settings.config import load
from receiver.store.ledger.record import record
from tests.support.environment import ENVIRON
from tests.support.scripted import ACCOUNT
from tests.support.store_events import make_event
from tests.support.stored_callbacks import record_callback


def lost(engine: Engine, number: int) -> None:
    """Let a job be completed without a transcript, a year ago."""
    told = {"id": f"job_{number}", "accountId": ACCOUNT, "status": "completed"}
    record_callback(engine, json.dumps({**told, "updatedAt": "2025-11-23T12:00:00Z"}).encode())


def test_none_is_missing(engine: Engine) -> None:
    """On a fresh database all is well, and without credentials nobody could reconcile."""
    [finding] = check_transcripts(load(ENVIRON), engine)
    assert finding.verdict == Verdict.OK


def test_missing_ones_are_a_warning(engine: Engine) -> None:
    """It tells how many, since when, and what brings them back."""
    for number in range(3):
        lost(engine, number)
    [finding] = check_transcripts(load(ENVIRON), engine)
    assert finding.verdict == Verdict.WARN
    assert "3 of 3 are missing, the oldest since 2025-11-23T12:00:00Z" in finding.text
    assert finding.remedy.startswith("Run `flask --app app reconcile`")


def test_jobs_that_twilio_does_not_know_are_a_warning(engine: Engine) -> None:
    """Without it they would stay unfinished, and nobody would see that nobody asks."""
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
    assert finding.text.startswith("jobs: 1 are unfinished here and unknown at Twilio")
    assert "flask --app app completeness" in finding.remedy


@pytest.mark.parametrize(("hours", "told"), [(25, True), (23, False)])
def test_submissions_that_nobody_asks_for_again_are_a_warning(
    engine: Engine, hours: int, *, told: bool
) -> None:
    """After a day Twilio may have forgotten them, or made a job that nobody here knows."""
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
            text.startswith("submissions: 1 got no response within a day and are not repeated: key")
            for text in texts
        )
        == told
    )


def test_the_remedies_come_in_order(app: Flask, engine: Engine) -> None:
    """The command ends with what to do, and missing transcripts are no failure of callbacks."""
    lost(engine, 1)
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 0
    assert "Run `flask --app app reconcile`" in result.stdout.partition("What to do")[2]


@pytest.mark.parametrize(
    ("age", "verdict"),
    [(None, Verdict.WARN), (timedelta(hours=1), Verdict.OK), (timedelta(days=2), Verdict.WARN)],
)
def test_nobody_reconciling_is_a_warning(age: timedelta | None, verdict: Verdict) -> None:
    """After a day without a complete pass nobody knows what was lost."""
    now = datetime.now(UTC)
    assert check_reconciled(None if age is None else now - age, now).verdict == verdict


def test_it_is_told_where_twilio_can_be_asked(engine: Engine) -> None:
    """With credentials there is no excuse."""
    _, finding = check_transcripts(load(ENVIRON | {"TWILIO_ACCOUNT_SID": ACCOUNT}), engine)
    assert finding.verdict == Verdict.WARN
    assert "Procfile's process `reconcile`" in finding.remedy
