"""Starts processes that end when this process ends, even if it is killed."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

# The shell starts a watcher in the background, and then becomes the program ($1 and its arguments).
# The watcher reads from a pipe. Only this process holds the other end: if this process ends, even
# by kill -9, the pipe is closed and the watcher sends the signal $0 to the program. A line in the
# pipe ends the watcher. It is detached from the program, because Postgres treats the end of an
# unknown child process as a crash.
_START_WITH_WATCHER = """
exec 3<&0 </dev/null
( { read -r _ <&3 || { kill -s "$0" $$; kill -s CONT $$; }; } >/dev/null 2>&1 & )
exec "$@" 3<&-
"""


class Child:
    """A child process in its own session, so that signals of our terminal don't reach it."""

    def __init__(  # noqa: PLR0913 - all by name
        self,
        command: Sequence[str | Path],
        *,
        stop_signal: signal.Signals,
        env: Mapping[str, str],
        cwd: Path | None = None,
        output: IO[bytes] | None = None,
        uid: int | None = None,
    ) -> None:
        """Start `command`, as the user `uid` if given. `stop_signal` asks it to end."""
        self._stop_signal = stop_signal
        signal_name = stop_signal.name.removeprefix("SIG")
        self.process = psutil.Popen(
            ["/bin/sh", "-c", _START_WITH_WATCHER, signal_name, *command],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **run_as(uid),
        )

    def stop(self, *, timeout_seconds: float) -> None:
        """Ask the process to end; after the timeout kill it and its descendants.

        Does nothing if it has ended already.
        """
        # End the watcher first: after the process is reaped, its PID may belong to another process.
        pipe = self.process.stdin
        if not pipe.closed:
            with contextlib.suppress(BrokenPipeError), pipe:
                pipe.write(b"\n")
        terminate(self.process, stop_signal=self._stop_signal, timeout_seconds=timeout_seconds)
        self.process.wait()


def terminate(
    process: psutil.Process, *, stop_signal: signal.Signals, timeout_seconds: float
) -> None:
    """Send `stop_signal` and wait; after the timeout kill the process and its descendants.

    The descendants are looked up, because Postgres's backends leave the process group.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        processes = [process, *process.children(recursive=True)]
        process.send_signal(stop_signal)
        for member in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()
        if not wait_for_exit(processes, timeout_seconds=timeout_seconds):
            for member in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            wait_for_exit(processes, timeout_seconds=timeout_seconds)


def wait_for_exit(processes: Sequence[psutil.Process], *, timeout_seconds: float) -> bool:
    """Return whether all processes ended within the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while any(_is_running(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)

    return True


def _is_running(process: psutil.Process) -> bool:
    """Return False for a zombie too: in a container, init may never reap it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run_as(uid: int | None) -> dict[str, Any]:
    """Return Popen's arguments to run as `uid` without other groups; None: the current user."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
