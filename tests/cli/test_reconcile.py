"""`flask --app app reconcile` and `completeness`, with the simulated Twilio behind them."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, text

from app import create_app
from dev.process import Child
from receiver.events.api_events import event_of, record_response
from receiver.reconcile.report import Report
from receiver.services import services_of
from receiver.simulator.clock import ManualClock
from receiver.simulator.faults import Delays, Faults
from receiver.simulator.server import SimulatorServer, serve
from receiver.store.completeness.figures import Completeness, completeness
from receiver.store.ledger.record import record
from tests.support.command import run
from tests.support.paths import ROOT
from tests.support.server import free_port, wait_until
from tests.support.simulator.account import (
    ACCOUNT,
    BY_RECORDING,
    CALLED_BACK_ONLY,
    recording,
    simulated,
)
from tests.support.store_events import make_event

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Take back the logging that the command sets up, which in this process outlives it."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio that never calls back, and whose time is an hour ago."""
    clock = ManualClock(datetime.now(UTC) - HOUR)
    with serve(simulated(clock=clock, faults=Faults(lost=1))) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], twilio: SimulatorServer) -> dict[str, str]:
    """Let the service take it for Twilio."""
    return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}


def _create(twilio: SimulatorServer) -> tuple[str, str]:
    """Let there be two jobs whose callbacks were lost, and the transcript of one in a conversation.

    Returns the one that can be got back, and the one that can't.
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
        services_of(app).engine.dispose()


def _figures(engine: Engine) -> Completeness:
    with engine.connect() as connection:
        return completeness(connection, datetime.now(UTC) - timedelta(seconds=1))


def test_one_pass_prints_what_it_came_to(app: Flask, twilio: SimulatorServer) -> None:
    """It is JSON on one line, and the exit code says that nothing went wrong."""
    _create(twilio)
    result = run(app, "reconcile")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["found"], told["fetched_back"], told["listed"]) == (2, 1, True)
    assert (told["errors"], told["fault"]) == (0, None)
    assert len(result.stdout.splitlines()) == 1


def test_one_pass_logs_which_job_it_speaks_of(app: Flask) -> None:
    """As JSON on stderr: what Twilio doesn't know is told with the job's id."""
    told = {"id": "voice_transcription_0", "accountId": ACCOUNT, "status": "PENDING"}
    event = event_of("submission", json.dumps(told).encode(), datetime.now(UTC) - HOUR)
    record_response(services_of(app).engine, event)
    result = run(app, "reconcile")
    assert json.loads(result.stdout)["unknown"] == 1
    [line] = [json.loads(line) for line in result.stderr.splitlines()]
    assert line["message"] == "Twilio refused to describe a job: code 20404"
    assert (line["job"], line["level"]) == (told["id"], "WARNING")


def test_the_help_says_what_each_figure_means(app: Flask) -> None:
    """None is left out, and each has a line of its own."""
    lines = run(app, "reconcile", "--help").stdout.splitlines()
    told = [line.split()[0] for line in lines if line.startswith("  ") and line.strip()]
    for name in Report().to_dict():
        assert name in told


def test_completeness_names_what_twilio_does_not_know(app: Flask) -> None:
    """Nothing else shows such a job, for it stays as it is."""
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


def test_completeness_names_what_is_missing(app: Flask, twilio: SimulatorServer) -> None:
    """With figures, reasons and an exit code for a monitor."""
    back, lost = _create(twilio)
    run(app, "reconcile")
    result = run(app, "completeness")
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "completed at Twilio 2" in lines
    assert "with transcript 1" in lines
    assert any(line.startswith("missing 1 (the oldest for 0:59 h)") for line in lines)
    assert any(line.startswith(lost) for line in lines)
    assert back not in result.stdout
    assert "can't be fetched" in result.stdout


def test_completeness_is_zero_where_nothing_is_missing(app: Flask) -> None:
    """And a pass has looked within a day; else nobody knows, which is 2."""
    unknown = run(app, "completeness")
    assert (unknown.exit_code, "never: run" in unknown.stdout) == (2, True)
    run(app, "reconcile")
    assert run(app, "completeness").exit_code == 0
    with services_of(app).engine.connect() as connection:
        connection.execute(text("UPDATE passes SET started_at = now() - interval '25 hours'"))
    assert run(app, "completeness").exit_code == 2


def test_the_missing_are_named_up_to_a_limit(app: Flask, twilio: SimulatorServer) -> None:
    """That there are more is said."""
    for number in range(3):
        twilio.simulator.create({**CALLED_BACK_ONLY, "sourceId": recording(number)})
    twilio.simulator.finish()
    run(app, "reconcile")
    result = run(app, "completeness", "--limit", "2")
    assert result.stdout.count("  ended ") == 2
    assert "use --limit to print more" in result.stderr


def test_what_is_missing_is_submitted_again_if_wanted(app: Flask, twilio: SimulatorServer) -> None:
    """The option says what it costs, and completeness what came of it."""
    _create(twilio)
    assert json.loads(run(app, "reconcile").stdout)["resubmitted"] == 0
    assert json.loads(run(app, "reconcile", "--resubmit-missing").stdout)["resubmitted"] == 1
    assert "submitted again as voice_transcription_" in run(app, "completeness").stdout
    assert "money" in run(app, "reconcile", "--help").stdout


def test_without_credentials_the_settings_are_named(environ: dict[str, str]) -> None:
    """Nothing is asked of anybody."""
    bare = {name: value for name, value in environ.items() if name != "TWILIO_ACCOUNT_SID"}
    result = _run_with(bare)
    assert result.exit_code == 1
    assert "TWILIO_ACCOUNT_SID" in result.stderr


def test_a_pass_that_failed_exits_with_1(environ: dict[str, str]) -> None:
    """And says why, beside what it did."""
    away = environ | {"TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    result = _run_with(away)
    assert result.exit_code == 1
    assert "did not answer" in json.loads(result.stdout)["fault"]


@contextmanager
def _forever(environ: dict[str, str], log: Path) -> Iterator[Child]:
    folder = Path(sys.executable).parent
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as output:
        child = Child(
            [folder / "flask", "--app", "app", "reconcile", "--forever"],
            stop_signal=signal.SIGTERM,
            env={"PATH": path, **environ},
            cwd=ROOT,
            output=output,
        )
    try:
        yield child
    finally:
        child.stop(timeout_seconds=20)


def test_forever_goes_on_until_it_is_told_to_end(
    environ: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    """It finds, polls and fetches back by itself, logs JSON lines, and ends with 0 at SIGTERM."""
    log = tmp_path / "log"
    delays = Delays(pending=0.1, running=0.1, conversation=0.1)
    with serve(simulated(clock=None, delays=delays, faults=Faults(lost=1))) as twilio:
        twilio.simulator.create(BY_RECORDING)
        settings = {"TWILIO_BASE_URL": twilio.url, "RECONCILE_GRACE_SECONDS": "1"}
        with _forever(environ | settings, log) as child:
            wait_until(lambda: _figures(engine).with_transcript == 1)
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(20) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines
    assert sum(line.get("fetched_back", 0) for line in lines) == 1
    assert {line["message"] for line in lines} == {"reconciled"}


def test_forever_outlives_a_twilio_that_is_away(environ: dict[str, str], tmp_path: Path) -> None:
    """It says so, and tries again later."""
    log = tmp_path / "log"
    away = environ | {"TWILIO_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    with _forever(away, log) as child:
        wait_until(lambda: b"did not answer" in log.read_bytes())
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(20) == 0
    [line] = [json.loads(line) for line in log.read_text().splitlines()]
    assert line["level"] == "WARNING"


def test_the_procfile_starts_it(environ: dict[str, str]) -> None:
    """The line runs as it stands in a shell."""
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
