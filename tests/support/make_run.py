"""Running `make run`'s program in a copy of the project."""

import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dev.process import wait_for_exit
from tests.support.paths import ROOT
from tests.support.server import free_port

_SOURCES = ("app.py", "dev", "gunicorn.conf.py", "Procfile", "receiver", "schemas")
_COMMAND = (sys.executable, "-m", "dev.run")
LAST_LINE = "# another job"


@pytest.fixture(scope="module")
def project(postgres_folder: Path) -> Path:
    """Copy the project to a folder with a name that needs correct quoting, without a `.local`."""
    project = postgres_folder / uuid.uuid4().hex / "a b#%+&"
    project.mkdir(parents=True)
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name)  # compiled modules too, which saves seconds
        else:
            shutil.copy(source, project)

    return project


@pytest.fixture
def port() -> int:
    """Return a free port."""
    return free_port()


def start_run(
    project: Path, port: int, *, command: Sequence[str] = _COMMAND, **environment: str
) -> subprocess.Popen[str]:
    """Start the program of `make run` in the project.

    A run that is killed leaves its spool, so that is in the folder that the tests remove.
    """
    own = {"PATH": "/usr/bin:/bin", "PORT": str(port), "TMPDIR": str(project.parent)}

    return subprocess.Popen(
        command,
        cwd=project,
        env=own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(
    project: Path,
    port: int,
    *,
    until: str = LAST_LINE,
    command: Sequence[str] = _COMMAND,
    **environment: str,
) -> Iterator[tuple[subprocess.Popen[str], str, list[psutil.Process]]]:
    """Yield the run once it has printed `until`, its output so far, and its processes."""
    with start_run(project, port, command=command, **environment) as run:
        assert run.stdout is not None
        output = ""
        try:
            for line in run.stdout:
                output += line
                if until in line:
                    break
            assert until in output, output
            process = psutil.Process(run.pid)
            yield run, output, [process, *process.children(recursive=True)]
        finally:
            run.kill()


def assert_run_ends(
    run: subprocess.Popen[str], processes: list[psutil.Process], signal_number: signal.Signals
) -> None:
    """Assert that the signal ends the run with exit code 0 and with all its processes."""
    run.send_signal(signal_number)
    rest, _ = run.communicate()
    assert run.returncode == 0, rest
    assert "Traceback" not in rest
    assert wait_for_exit(processes, timeout_seconds=30)
