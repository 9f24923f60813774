"""`make run`'s life, from the first job to the last process."""

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from dev.process import wait_for
from tests.support.paths import ROOT
from tests.support.server import wait_until

_SOURCES = ("app.py", "dev", "gunicorn.conf.py", "Procfile", "receiver", "schemas")
_COMMAND = (sys.executable, "-m", "dev.run")
_LAST_LINE = "# another job"


@pytest.fixture(scope="module")
def project(postgres_folder: Path) -> Path:
    """Copy the project to a folder of a difficult name, with a `.local` of its own."""
    project = postgres_folder / uuid.uuid4().hex / "a b#%+&"
    project.mkdir(parents=True)
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project)

    return project


@pytest.fixture
def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as finder:
        return int(finder.getsockname()[1])


def _start(
    project: Path, port: int, *, command: Sequence[str] = _COMMAND, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "PORT": str(port)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _serving(
    project: Path,
    port: int,
    *,
    until: str = _LAST_LINE,
    command: Sequence[str] = _COMMAND,
    **environment: str,
) -> Iterator[tuple[subprocess.Popen[str], str, list[psutil.Process]]]:
    """Yield the run once it has printed `until`, what it has printed, and its processes."""
    with _start(project, port, command=command, **environment) as run:
        assert run.stdout is not None
        said = ""
        try:
            for line in run.stdout:
                said += line
                if until in line:
                    break
            assert until in said, said
            process = psutil.Process(run.pid)
            yield run, said, [process, *process.children(recursive=True)]
        finally:
            run.kill()


def _refusal(project: Path, port: int, **environment: str) -> str:
    with _start(project, port, **environment) as run:
        said, _ = run.communicate()
    assert run.returncode == 1

    return said


# What a shell may export for production, and what has no part in a run.
_PRODUCTION = {
    "DATABASE_URL": "postgresql://nobody@production.invalid/db",
    "API_KEYS": "production",
    "MAX_BODY_BYTES": "1",
    "TWILIO_BASE_URL": "http://production.invalid",
}


def test_a_whole_run(project: Path, port: int) -> None:
    """A run shows its jobs' lives, prints commands that work, and ends at Ctrl-C with nothing left.

    What is exported for production has no part in it.
    """
    with _serving(project, port, **_PRODUCTION) as (run, said, processes):
        _assert_the_lives_are_on_the_screen(said)
        assert all(job["id"] in said for job in _read(port)["transcriptions"][:2])
        _assert_what_is_printed_can_be_pasted(said, port)
        _assert_it_ends(run, processes, signal.SIGINT)


def _assert_the_lives_are_on_the_screen(said: str) -> None:
    """One job is submitted, runs, is called back and read; another is missed and fetched back."""
    heard, lost = re.findall(r"submitted +(\S+) +PENDING", said)
    steps = re.findall(r"(Twilio|receiver) +\S+ +(\w+) +(\S+)", said)
    for job, last in ((heard, "received"), (lost, "fetched")):
        told = [what for _, what, job_id in steps if job_id == job]
        places = [told.index(what) for what in ("submitted", "running", "completed", last)]
        assert places == sorted(places), said
    assert ("Twilio", "delivered", heard) in steps
    assert ("Twilio", "refused", lost) in steps
    assert ("receiver", "missing", lost) in steps
    assert "Its configuration calls" in said
    assert f"Stored and read back:\n  {heard}\n  COMPLETED" in said
    assert "sentences, from its conversation" in said


def _assert_what_is_printed_can_be_pasted(said: str, port: int) -> None:
    """Each printed command works as it stands, and the job that the last one makes is received."""
    commands = re.findall(r"^  (curl .*?[^\\])$", said, re.MULTILINE | re.DOTALL)
    answers = [_pasted(command) for command in commands]
    assert len(answers) == 5, said
    assert answers[2].startswith("WEBVTT")
    assert json.loads(answers[3])["withTranscript"] >= 2
    made = json.loads(answers[4])["transcription"]["id"]
    wait_until(lambda: _is_here(port, made))


def _assert_it_ends(
    run: subprocess.Popen[str], processes: list[psutil.Process], number: signal.Signals
) -> None:
    """At the signal it ends in good order, with all its processes."""
    run.send_signal(number)
    rest, _ = run.communicate()
    assert run.returncode == 0, rest
    assert "Traceback" not in rest
    assert wait_for(processes, seconds=30)


def test_after_a_kill_the_next_run_starts(project: Path, port: int) -> None:
    """A kill -9 ends gunicorn and Postgres too; the next run knows nothing of the jobs cut short.

    There gunicorn's death ends everything, with its exit code.
    """
    with _serving(project, port, until="running") as (run, _, processes):
        run.kill()
        assert wait_for(processes, seconds=30)
    with _serving(project, port) as (run, said, processes):
        assert "20404" not in said
        _assert_a_childs_death_ends_it(run, processes, "gunicorn")


def _assert_a_childs_death_ends_it(
    run: subprocess.Popen[str], processes: list[psutil.Process], name: str
) -> None:
    wait_until(lambda: _named(run, name) is not None)
    child = _named(run, name)
    assert child is not None
    child.kill()
    run.communicate()
    assert run.returncode == 128 + signal.SIGKILL
    assert wait_for(processes, seconds=30)


def _pasted(command: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl ", "curl --silent --fail ", 1)],
        check=True,
        capture_output=True,
        text=True,
    )

    return done.stdout


def _is_here(port: int, job_id: str) -> bool:
    return bool(_read(port, f"/{job_id}")["transcription"]["transcript"]["available"])


def _read(port: int, path: str = "") -> Any:
    return requests.get(
        f"http://127.0.0.1:{port}/v3/Transcriptions{path}",
        auth=("dev", "dev-secret"),
        headers={"Connection": "close"},
        timeout=10,
    ).json()


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("submitted", signal.SIGTERM),
        pytest.param("missing", signal.SIGINT, marks=pytest.mark.thorough),
        pytest.param(_LAST_LINE, signal.SIGTERM, marks=pytest.mark.thorough),
        pytest.param(_LAST_LINE, signal.SIGHUP, marks=pytest.mark.thorough),
    ],
)
def test_a_signal_leaves_nothing(
    project: Path, port: int, moment: str, number: signal.Signals
) -> None:
    """A signal ends everything at any moment, while the jobs' lives are shown too."""
    with _serving(project, port, until=moment) as (run, _, processes):
        _assert_it_ends(run, processes, number)


@pytest.mark.thorough
def test_killed_it_leaves_nothing(project: Path, port: int) -> None:
    """A kill -9 of a run that serves ends gunicorn and Postgres too."""
    with _serving(project, port) as (run, _, processes):
        run.kill()

        assert wait_for(processes, seconds=30)


def test_without_its_parent_it_ends_and_says_so(project: Path, port: int) -> None:
    """Where make is killed, which tells nobody, it ends by itself, with a line that says why."""
    command = ["/bin/sh", "-c", f"{shlex.quote(sys.executable)} -m dev.run; exit"]
    with _serving(project, port, command=command) as (make, _, processes):
        make.kill()
        assert make.stdout is not None

        assert "make or its terminal is gone" in make.stdout.read()
        assert wait_for(processes, seconds=30)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["dev.simulated", "reconcile"])
def test_a_childs_death_ends_it(project: Path, port: int, name: str) -> None:
    """The death of Twilio or the reconciler, too, ends everything, with its exit code."""
    with _serving(project, port) as (run, _, processes):
        _assert_a_childs_death_ends_it(run, processes, name)


def _named(run: subprocess.Popen[str], name: str) -> psutil.Process | None:
    """Return the child whose command line names it, once it is itself and no shell."""
    for process in psutil.Process(run.pid).children():
        command = process.cmdline()
        if process.name() != "sh" and any(part.endswith(name) for part in command):
            return process

    return None


def test_taken_port_is_told_first(project: Path) -> None:
    """A taken port is told with the way out, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = _refusal(project, taken.getsockname()[1])

    assert "PORT=8001 make run" in said


def test_no_port(project: Path) -> None:
    """A port that is none is told with the way out."""
    assert "PORT=8001 make run" in _refusal(project, 65536)


def test_remote_database_is_refused(project: Path, port: int) -> None:
    """A database elsewhere is neither migrated nor written to."""
    url = "postgresql://db.example.com/db"

    assert "on this machine" in _refusal(project, port, DEV_DATABASE_URL=url)


def test_a_dotenv_file_sets_three_things(project: Path, port: int) -> None:
    """`.env` sets the port and the log level; nothing else in it counts here."""
    file = project / ".env"
    file.write_text(f"PORT={port}\nLOG_LEVEL=INFO\nDATABASE_URL=elsewhere\nDB_POOL_SIZE=none\n")
    try:
        with _serving(project, port, PORT="") as (run, said, _):
            assert f"http://127.0.0.1:{port}/v3/Transcriptions" in said
            assert '"level": "INFO"' in said
            run.terminate()
            run.communicate()
    finally:
        file.unlink()


def test_a_database_of_this_machine_is_taken(project: Path, port: int, database: str) -> None:
    """`DEV_DATABASE_URL` takes the place of the embedded Postgres; SIGHUP ends such a run."""
    with _serving(project, port, DEV_DATABASE_URL=database) as (run, said, processes):
        assert "DEV_DATABASE_URL" in said
        assert not [process for process in processes if process.name() == "postgres"]
        _assert_it_ends(run, processes, signal.SIGHUP)
