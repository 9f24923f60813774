"""A program that ends with whoever started it."""

import subprocess
import sys
from contextlib import suppress

import psutil

from dev.process import wait_for_exit
from tests.support.paths import ROOT

# It kills itself at the earliest moment at which there is a process to be left behind.
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


def test_killed_at_once_it_leaves_nothing() -> None:
    """A program whose starter is killed as soon as it has started it ends all the same."""
    command = [sys.executable, "-c", _STARTS_AND_DIES]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())

    with suppress(psutil.NoSuchProcess):
        assert wait_for_exit([psutil.Process(pid)], timeout_seconds=10)
