"""The command `submit`, interrupted by Ctrl-C or killed."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from werkzeug.wrappers import Request, Response

from app import create_app
from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.server import serve
from receiver.submissions.batch import CONCURRENCY
from tests.support.command import run
from tests.support.csv_submissions import (
    stored_recordings,
    submit_csv,
    twilio_recordings,
    write_csv,
)
from tests.support.environment import close_app
from tests.support.paths import ROOT
from tests.support.samples import JOB
from tests.support.scripted import Scripted, accepted, answer, scripted
from tests.support.server import TIMEOUT_SECONDS
from tests.support.simulator.account import recording, simulated
from tests.support.submitting import open_app

# Enough rows to kill the process in the middle; and as many as in a large customer's file.
ROW_COUNT, THOROUGH_ROW_COUNT = 400, 2000


def _start_submit(environ: dict[str, str], path: Path) -> subprocess.Popen[bytes]:
    """Start `submit --from-csv` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "submit", "--from-csv", path],
        env=environ | {"PATH": os.environ["PATH"]},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _interrupt(
    environ: dict[str, str], scripted_twilio: Scripted, path: Path
) -> subprocess.CompletedProcess[bytes]:
    """Send SIGINT when Twilio has some jobs and is about to answer more requests."""
    reached, sent = threading.Event(), threading.Event()

    def reply(request: Request) -> Response:
        if len(scripted_twilio.asked) > 2 * CONCURRENCY:
            reached.set()
            sent.wait(TIMEOUT_SECONDS)
        return accepted(f"job_{request.json['sourceId']}")

    scripted_twilio.answers(reply)
    with _start_submit(environ | {"TWILIO_BASE_URL": scripted_twilio.url}, path) as process:
        assert reached.wait(TIMEOUT_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        lines = iter(process.stderr.readline, b"")
        before = list(itertools.takewhile(lambda line: b"Stopping" not in line, lines))
        sent.set()
        stdout, stderr = process.communicate()

    return subprocess.CompletedProcess((), process.returncode, stdout, b"".join(before) + stderr)


def test_ctrl_c_waits_for_running_requests(environ: dict[str, str], tmp_path: Path) -> None:
    """After Ctrl-C running requests are completed and printed; the next run does the rest."""
    path = write_csv(tmp_path / "jobs.csv", 100)
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:
        done = _interrupt(environ, scripted_twilio, path)
        accepted_count = len(scripted_twilio.asked)
        assert 2 * CONCURRENCY < accepted_count <= 3 * CONCURRENCY
        assert done.returncode == 130
        assert len(done.stdout.splitlines()) == 1 + accepted_count
        assert f"{accepted_count} submitted, 0 done before".encode() in done.stderr
        assert (
            b"not tried.\nRun the command again to submit the rest: no job is submitted twice."
            in done.stderr
        )
        assert b"Traceback" not in done.stderr
        again = submit_csv(app, path)
    assert len(again.stdout.splitlines()) == 101
    assert again.stdout.startswith(done.stdout.decode())
    assert len({asked.headers["Idempotency-Key"] for asked in scripted_twilio.asked}) == len(
        scripted_twilio.asked
    )


def test_ctrl_c_during_one_job_prints_its_id(environ: dict[str, str]) -> None:
    """After Ctrl-C the job that Twilio accepts is printed."""
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:

        def reply(_: Request) -> Response:
            os.kill(os.getpid(), signal.SIGINT)
            return accepted()

        scripted_twilio.answers(reply)
        options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
        result = run(app, "submit", *options)
    assert (result.exit_code, result.stdout) == (0, f"{JOB}\n")


def test_ctrl_c_during_a_429_ends_the_run(environ: dict[str, str]) -> None:
    """After Ctrl-C a refused request is not repeated, and nothing was submitted."""
    with scripted() as scripted_twilio, open_app(environ, scripted_twilio.url) as app:

        def reply(_: Request) -> Response:
            os.kill(os.getpid(), signal.SIGINT)
            return answer({}, 429, Retry_After="60")

        scripted_twilio.answers(reply)
        options = (f"--configuration={CALLBACK_ONLY}", f"--source-id={recording(1)}")
        result = run(app, "submit", *options)
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Nothing was submitted." in result.stderr


def test_kill_leaves_one_job_per_line(
    environ: dict[str, str], tmp_path: Path, *, is_thorough: bool
) -> None:
    """A run that is killed and repeated makes one job of each line, and all are stored."""
    count = THOROUGH_ROW_COUNT if is_thorough else ROW_COUNT
    path = write_csv(tmp_path / "jobs.csv", count)
    quarter_reached = threading.Event()
    log_lines: list[str] = []

    def log_line(line: str) -> None:
        log_lines.append(line)
        if len(log_lines) > count // 4:
            quarter_reached.set()

    with serve(simulated(log=log_line)) as twilio:
        environ = environ | {"TWILIO_BASE_URL": twilio.url}
        with _start_submit(environ, path) as first:
            assert quarter_reached.wait(timeout=300)
            first.send_signal(signal.SIGKILL)
            first.communicate()
        assert len(twilio.simulator.job_store.newest_first()) < count
        with _start_submit(environ, path) as second:
            stdout, stderr = second.communicate()
        assert second.returncode == 0, stderr
        assert len(stdout.splitlines()) == 1 + count
        app = create_app(environ)
        assert (
            twilio_recordings(twilio)
            == stored_recordings(app)
            == sorted(map(recording, range(count)))
        )
        close_app(app)
