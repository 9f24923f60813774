"""A child process ends with the process that started it."""

import subprocess
import sys
from contextlib import suppress

import psutil

from dev.process import wait_for_exit
from tests.support.paths import ROOT

# It kills itself as soon as its child process exists.
_STARTS_AND_DIES = """
import os, signal, subprocess, sys
from dev.process import Child

def die(frame, event, _):
    if event == "return" and frame.f_code is subprocess.Popen.__init__.__code__:
        print(frame.f_locals["self"].pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(die)
Child(["sleep", "60"], stop_signal=signal.SIGTERM, env={"PATH": "/usr/bin:/bin"})
"""


def test_child_ends_with_a_killed_starter() -> None:
    """A child ends even if its starter is killed immediately after starting it."""
    command = [sys.executable, "-c", _STARTS_AND_DIES]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())

    with suppress(psutil.NoSuchProcess):
        assert wait_for_exit([psutil.Process(pid)], timeout_seconds=10)
