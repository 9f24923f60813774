"""The commands `reconcile` and `completeness`, with the simulated Twilio."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.wrappers import Request, Response

from app import create_app
from receiver.events.api_events import event_of, record_response
from receiver.reconcile.report import Report
from receiver.services import services_of
from receiver.simulator.faults import Delays, Faults
from receiver.simulator.server import SimulatorServer, serve
from receiver.store.completeness.figures import Completeness, completeness
from receiver.store.ledger.record import record
from tests.support.command import run
from tests.support.command_process import command_process
from tests.support.environment import close_app
from tests.support.full_pipe import fill_pipe, read_end
from tests.support.paths import ROOT
from tests.support.samples import ACCOUNT
from tests.support.scripted import problem, scripted
from tests.support.server import (
    free_port,
)
from tests.support.simulator.account import BY_RECORDING, CALLED_BACK_ONLY, recording, simulated
from tests.support.simulator.manual_clock import ManualClock
from tests.support.store_events import make_event
from tests.support.waiting import wait_until

HOUR = timedelta(hours=1)
FOREVER = ("reconcile", "--forever")


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio that sends no callbacks, and whose clock stands an hour ago."""
    clock = ManualClock(datetime.now(UTC) - HOUR)
    with serve(simulated(clock=clock, faults=Faults(lost=1))) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], twilio: SimulatorServer) -> dict[str, str]:
    """Use the simulated Twilio."""
    return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}


def _create_lost_jobs(twilio: SimulatorServer) -> tuple[str, str]:
    """Create two jobs whose callbacks were lost; a conversation has the transcript of the first.

    Returns the id of the job that can be completed, and of the one that can't.
    """
    requests = (BY_RECORDING, CALLED_BACK_ONLY)
    first, second = (
        twilio.simulator.create({**request, "sourceId": recording(number)}).id
        for number, request in enumerate(requests)
    )
    twilio.simulator.finish()

    return first, second


def _run_with(environ: dict[str, str]) -> Result:
    """Reconcile in an application with these settings."""
    app = create_app(environ)
    try:
        return run(app, "reconcile")
    finally:
        close_app(app)


def _figures(engine: Engine) -> Completeness:
    with engine.connect() as connection:
        return completeness(connection, at=datetime.now(UTC), grace=timedelta(seconds=1))


def test_pass_prints_its_report(app: Flask, twilio: SimulatorServer) -> None:
    """A successful pass prints its report as JSON on one line and exits with 0."""
    _create_lost_jobs(twilio)
    result = run(app, "reconcile")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["found"], report["fetched_back"], report["listed"]) == (2, 1, True)
    assert (report["errors"], report["fault"]) == (0, None)
    assert len(result.stdout.splitlines()) == 1


def test_pass_logs_the_job_of_a_refusal(app: Flask) -> None:
    """The log on stderr is JSON, and names the job that Twilio doesn't know."""
    document = {"id": "voice_transcription_0", "accountId": ACCOUNT, "status": "PENDING"}
    event = event_of("submission", json.dumps(document).encode(), datetime.now(UTC) - HOUR)
    record_response(services_of(app).engine, event)
    result = run(app, "reconcile")
    assert json.loads(result.stdout)["unknown"] == 1
    [line] = [json.loads(line) for line in result.stderr.splitlines()]
    assert line["message"] == "Twilio refused to describe a job: code 20404"
    assert (line["job"], line["level"]) == (document["id"], "WARNING")


def test_help_explains_each_figure(app: Flask) -> None:
    """Each figure of the report has a line in the help."""
    lines = run(app, "reconcile", "--help").stdout.splitlines()
    words = [line.split()[0] for line in lines if line.startswith("  ") and line.strip()]
    for name in Report().to_dict():
        assert name in words


def test_completeness_names_jobs_unknown_to_twilio(app: Flask) -> None:
    """Only `completeness` shows an unfinished job that Twilio doesn't know."""
    engine = services_of(app).engine
    record(engine, make_event({"status": "PENDING"}, job="forgotten"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO watches (job_id, need, gave_up)"
                " VALUES ('forgotten', 'status', 'unknown_at_twilio')"
            )
        )
    result = run(app, "completeness")
    assert "unknown at Twilio    1\n" in result.stdout
    assert "\nforgotten  PENDING\n" in result.stdout


def test_completeness_names_missing_transcripts(app: Flask, twilio: SimulatorServer) -> None:
    """The command prints figures and the missing transcripts with reasons, and exits with 1."""
    completed, lost = _create_lost_jobs(twilio)
    run(app, "reconcile")
    result = run(app, "completeness")
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "completed at Twilio 2" in lines
    assert "with transcript 1" in lines
    assert any(line.startswith("missing 1 (the oldest for 0:59 h)") for line in lines)
    assert any(line.startswith(lost) for line in lines)
    assert completed not in result.stdout
    assert "can't be fetched" in result.stdout


def test_completeness_exit_code_depends_on_the_last_pass(app: Flask) -> None:
    """Without missing transcripts the exit code is 0 after a recent pass, and 2 without one."""
    unknown = run(app, "completeness")
    assert (unknown.exit_code, "never: run" in unknown.stdout) == (2, True)
    run(app, "reconcile")
    assert run(app, "completeness").exit_code == 0
    with services_of(app).engine.connect() as connection:
        connection.execute(text("UPDATE passes SET started_at = now() - interval '25 hours'"))
    assert run(app, "completeness").exit_code == 2


def test_completeness_has_a_limit(app: Flask, twilio: SimulatorServer) -> None:
    """Up to `--limit` jobs are named, and a note says that there are more."""
    for number in range(3):
        twilio.simulator.create({**CALLED_BACK_ONLY, "sourceId": recording(number)})
    twilio.simulator.finish()
    run(app, "reconcile")
    result = run(app, "completeness", "--limit", "2")
    assert result.stdout.count("  ended ") == 2
    assert "use --limit to print more" in result.stderr


def test_missing_transcript_is_resubmitted_with_the_option(
    app: Flask, twilio: SimulatorServer
) -> None:
    """The help mentions the costs of the option, and `completeness` names the new job."""
    _create_lost_jobs(twilio)
    assert json.loads(run(app, "reconcile").stdout)["resubmitted"] == 0
    assert json.loads(run(app, "reconcile", "--resubmit-missing").stdout)["resubmitted"] == 1
    assert "submitted again as voice_transcription_" in run(app, "completeness").stdout
    assert "money" in run(app, "reconcile", "--help").stdout


def test_missing_credentials_are_named(environ: dict[str, str]) -> None:
    """The error without credentials names the missing setting."""
    without_account = {
        name: value for name, value in environ.items() if name != "TWILIO_ACCOUNT_SID"
    }
    result = _run_with(without_account)
    assert result.exit_code == 1
    assert "TWILIO_ACCOUNT_SID" in result.stderr


def test_failed_pass_exits_with_1(environ: dict[str, str]) -> None:
    """A failed pass prints its report with the error, and exits with 1."""
    unavailable = environ | {"TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    result = _run_with(unavailable)
    assert result.exit_code == 1
    assert "did not answer" in json.loads(result.stdout)["fault"]


def test_forever_runs_until_sigterm(
    environ: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    """The process finds, polls and fetches, logs JSON, and exits with 0 at SIGTERM."""
    log = tmp_path / "log"
    delays = Delays(pending=0.1, running=0.1, conversation=0.1)
    with serve(simulated(clock=None, delays=delays, faults=Faults(lost=1))) as twilio:
        twilio.simulator.create(BY_RECORDING)
        settings = {"TWILIO_BASE_URL": twilio.url, "RECONCILE_GRACE_SECONDS": "1"}
        with command_process(environ | settings, log, *FOREVER) as child:
            wait_until(lambda: _figures(engine).with_transcript == 1)
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(20) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines
    assert sum(line.get("fetched_back", 0) for line in lines) == 1
    assert {line["message"] for line in lines} == {"reconciled"}


def test_forever_continues_if_twilio_is_unavailable(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """A failed pass is logged as a warning, and the process keeps running."""
    log = tmp_path / "log"
    unavailable = environ | {"TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    with command_process(unavailable, log, *FOREVER) as child:
        wait_until(lambda: b"did not answer" in log.read_bytes())
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(20) == 0
    [line] = [json.loads(line) for line in log.read_text().splitlines()]
    assert line["level"] == "WARNING"


def test_forever_ends_if_nobody_reads_its_log(environ: dict[str, str], tmp_path: Path) -> None:
    """The process ends at SIGTERM even if its log is a full pipe."""
    pipe = tmp_path / "pipe"

    def fail(_request: Request) -> Response:
        fill_pipe(pipe)  # before the pass is logged
        return problem(500, 20500)

    with scripted() as twilio, read_end(pipe):
        twilio.answers(fail)
        settings = {"TWILIO_BASE_URL": twilio.url}
        with command_process(environ | settings, pipe, *FOREVER) as child:
            wait_until(lambda: bool(twilio.asked))
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(20) == 0


def test_procfile_runs_the_command(environ: dict[str, str]) -> None:
    """The line of the Procfile runs in a shell."""
    lines = dict(
        line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
    )
    folder = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-c", f"{lines['reconcile']} --help"],
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--forever" in done.stdout
