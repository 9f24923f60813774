"""How `make run` ends: at a signal, when it is killed, and when one of its children ends."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dev.process import wait_for_exit
from tests.support.make_run import LAST_LINE, assert_run_ends, running
from tests.support.waiting import wait_until


def test_next_run_starts_after_a_kill(project: Path, port: int) -> None:
    """A kill -9 ends gunicorn and Postgres too; the next run ignores the unfinished jobs.

    The death of its gunicorn then ends the next run, with gunicorn's exit code.
    """
    with running(project, port, until="running") as (run, _, processes):
        run.kill()
        assert wait_for_exit(processes, timeout_seconds=30)
    with running(project, port) as (run, output, processes):
        assert "20404" not in output
        _assert_child_death_ends_run(run, processes, "gunicorn")


def _assert_child_death_ends_run(
    run: subprocess.Popen[str], processes: list[psutil.Process], name: str
) -> None:
    wait_until(lambda: _find_child(run, name) is not None)
    child = _find_child(run, name)
    assert child is not None
    child.kill()
    run.communicate()
    assert run.returncode == 128 + signal.SIGKILL
    assert wait_for_exit(processes, timeout_seconds=30)


@pytest.mark.parametrize(
    ("moment", "signal_number"),
    [
        ("submitted", signal.SIGTERM),
        pytest.param("missing", signal.SIGINT, marks=pytest.mark.thorough),
        pytest.param(LAST_LINE, signal.SIGTERM, marks=pytest.mark.thorough),
        pytest.param(LAST_LINE, signal.SIGHUP, marks=pytest.mark.thorough),
    ],
)
def test_signal_ends_all_processes(
    project: Path, port: int, moment: str, signal_number: signal.Signals
) -> None:
    """A signal ends every process at any moment, also while the jobs' lives are shown."""
    with running(project, port, until=moment) as (run, _, processes):
        assert_run_ends(run, processes, signal_number)


@pytest.mark.thorough
def test_kill_ends_all_processes(project: Path, port: int) -> None:
    """A kill -9 of a run ends gunicorn and Postgres too."""
    with running(project, port) as (run, _, processes):
        run.kill()

        assert wait_for_exit(processes, timeout_seconds=30)


def test_run_ends_without_its_parent(project: Path, port: int) -> None:
    """If make is killed, the run ends itself with a line that names the reason."""
    command = ["/bin/sh", "-c", f"{shlex.quote(sys.executable)} -m dev.run; exit"]
    with running(project, port, command=command) as (make, _, processes):
        make.kill()
        assert make.stdout is not None

        assert "make or its terminal is gone" in make.stdout.read()
        assert wait_for_exit(processes, timeout_seconds=30)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["dev.simulated", "reconcile"])
def test_child_death_ends_run(project: Path, port: int, name: str) -> None:
    """The death of the simulator or the reconciler ends the run, with the child's exit code."""
    with running(project, port) as (run, _, processes):
        _assert_child_death_ends_run(run, processes, name)


def _find_child(run: subprocess.Popen[str], name: str) -> psutil.Process | None:
    """Return the child with this name in its command line, if it is no longer a shell."""
    for process in psutil.Process(run.pid).children():
        command = process.cmdline()
        if process.name() != "sh" and any(part.endswith(name) for part in command):
            return process

    return None
