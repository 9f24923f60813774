"""`submit --from-csv` with jobs that FAILED at Twilio, and `--resubmit-failed`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from receiver.events.api_events import event_of, record_response
from receiver.services import services_of
from receiver.simulator.server import SimulatorServer
from tests.support.command import run
from tests.support.csv_submissions import submit_csv, twilio_recordings, write_csv
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import recording


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a file that requests three jobs."""
    return write_csv(tmp_path / "jobs.csv", 3)


def _ids(result: Result) -> list[str]:
    return [line.split(",")[1] for line in result.stdout.splitlines()[1:]]


def _fail(app: Flask, job_id: str, **error: object) -> None:
    """Record Twilio's response that the job FAILED."""
    document = {"id": job_id, "accountId": ACCOUNT, "status": "FAILED", **error}
    event = event_of("fetch", json.dumps(document).encode(), datetime.now(UTC))
    record_response(services_of(app).engine, event)


def test_second_run_names_failed_jobs(app: Flask, twilio: SimulatorServer, path: Path) -> None:
    """A second run names the lines whose jobs FAILED, and submits nothing without the option."""
    ids = _ids(submit_csv(app, path))
    _fail(app, ids[0], error={"code": 17552})
    _fail(app, ids[2])
    again = submit_csv(app, path)
    assert again.exit_code == 0
    assert "0 submitted, 3 done before" in again.stderr
    assert "2 of the jobs done before FAILED at Twilio: line 2 (17552), line 4.\n" in again.stderr
    assert "--resubmit-failed" in again.stderr
    assert _ids(again) == ids
    assert len(twilio_recordings(twilio)) == 3


def test_failed_job_is_submitted_again_once(
    app: Flask, twilio: SimulatorServer, path: Path
) -> None:
    """`--resubmit-failed` submits each failed job once more, and never the new job."""
    ids = _ids(submit_csv(app, path))
    _fail(app, ids[1])
    command = ("submit", "--from-csv", str(path), "--resubmit-failed")
    renewed = run(app, *command)
    assert renewed.exit_code == 0
    assert "1 submitted, 2 done before" in renewed.stderr
    assert "FAILED" not in renewed.stderr
    new_ids = _ids(renewed)
    assert (new_ids[0], new_ids[2]) == (ids[0], ids[2])
    assert new_ids[1] not in ids
    assert twilio_recordings(twilio).count(recording(1)) == 2
    assert _ids(submit_csv(app, path)) == new_ids
    _fail(app, new_ids[1], errorCode=17558)
    last = run(app, *command)
    assert "0 submitted, 3 done before" in last.stderr
    assert "1 of the jobs done before FAILED at Twilio: line 3 (17558, submitted " in last.stderr
    assert len(twilio_recordings(twilio)) == 4


@pytest.mark.parametrize("option", [("--check", "--from-csv"), ("--source-id",)])
def test_option_needs_a_file(app: Flask, path: Path, option: tuple[str, ...]) -> None:
    """`--resubmit-failed` without `--from-csv`, or with `--check`, is a wrong usage."""
    result = run(app, "submit", "--resubmit-failed", *option, str(path))
    assert result.exit_code == 2
    assert "--resubmit-failed needs --from-csv" in result.stderr
