"""`make run`'s life, from the sample callback to the last process."""

import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from dev.process import wait_for

_ROOT = Path(__file__).parents[2]
_SOURCES = ("app.py", "dev", "gunicorn.conf.py", "Procfile", "receiver", "schemas")
_LAST_LINE = "another signed callback"


@pytest.fixture(scope="module")
def project(postgres_folder: Path) -> Path:
    """Copy the project to a folder of a difficult name, with a `.local` of its own."""
    project = postgres_folder / uuid.uuid4().hex / "a b#%+&"
    project.mkdir(parents=True)
    for name in _SOURCES:
        source = _ROOT / name
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


def _start(project: Path, port: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dev.run"],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "PORT": str(port), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _serving(
    project: Path, port: int, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str, list[psutil.Process]]]:
    """Yield the run once it serves, what it has printed, and its processes."""
    with _start(project, port, **environment) as run:
        assert run.stdout is not None
        said = ""
        try:
            for line in run.stdout:
                said += line
                if _LAST_LINE in line:
                    break
            assert _LAST_LINE in said, said
            process = psutil.Process(run.pid)
            yield run, said, [process, *process.children(recursive=True)]
        finally:
            run.kill()


def _refusal(project: Path, port: int, **environment: str) -> str:
    with _start(project, port, **environment) as run:
        said, _ = run.communicate()
    assert run.returncode == 1

    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_shows_a_stored_job_and_leaves_nothing(
    project: Path, port: int, number: signal.Signals
) -> None:
    """It prints the job that came back, serves, and at a signal ends with all its processes."""
    production = {
        "DATABASE_URL": "postgresql://nobody@production.invalid/db",
        "API_KEYS": "production",
        "MAX_BODY_BYTES": "1",
    }
    with _serving(project, port, **production) as (run, said, processes):
        assert "voice_transcription_" in said
        assert "COMPLETED" in said
        assert "Jane: Hi, I am calling" in said
        jobs = requests.get(
            f"http://127.0.0.1:{port}/v3/Transcriptions",
            auth=("dev", "dev-secret"),
            headers={"Connection": "close"},
            timeout=10,
        )
        assert jobs.json()["transcriptions"][0]["id"] in said
        run.send_signal(number)
        rest, _ = run.communicate()

    assert run.returncode == 0, rest
    assert wait_for(processes, seconds=30)


def test_killed_it_leaves_nothing(project: Path, port: int) -> None:
    """A kill -9 of it alone ends gunicorn and Postgres too, and the next run starts."""
    with _serving(project, port) as (run, _, processes):
        run.kill()

        assert wait_for(processes, seconds=30)


def test_gunicorns_death_ends_it(project: Path, port: int) -> None:
    """A gunicorn that dies ends everything, with its own exit code."""
    with _serving(project, port) as (run, _, processes):
        gunicorn = next(p for p in processes[1:] if "gunicorn" in " ".join(p.cmdline()))
        gunicorn.kill()
        run.communicate()

        assert run.returncode == 128 + signal.SIGKILL
        assert wait_for(processes, seconds=30)


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


def test_a_database_of_this_machine_is_taken(project: Path, port: int, database: str) -> None:
    """`DEV_DATABASE_URL` takes the place of the embedded Postgres."""
    with _serving(project, port, DEV_DATABASE_URL=database) as (run, said, processes):
        assert "DEV_DATABASE_URL" in said
        assert not [process for process in processes if process.name() == "postgres"]
        run.terminate()
        run.communicate()
