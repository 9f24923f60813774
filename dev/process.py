"""Processes that end with us, however we end."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

# Its standard input ends when our side of the pipe is closed, even by a kill -9 of us.
_WATCH = 'read -r _; kill -s "$0" "$1"; kill -s CONT "$1"'


class Child:
    """A program in a session of its own, which a signal from our terminal doesn't reach."""

    def __init__(  # noqa: PLR0913 - what a process is started with, all by name
        self,
        command: Sequence[str | Path],
        *,
        ask: signal.Signals,
        env: Mapping[str, str],
        cwd: Path | None = None,
        output: IO[bytes] | None = None,
        uid: int | None = None,
    ) -> None:
        """Start `command`; `ask` is the signal that asks it to end, `uid` whose process it is."""
        self._ask = ask
        self.process = psutil.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **identity(uid),
        )
        self._watch = subprocess.Popen(  # noqa: S603 - our own command
            ["/bin/sh", "-c", _WATCH, ask.name.removeprefix("SIG"), str(self.process.pid)],
            env=env,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **identity(uid),
        )

    def stop(self, *, patience: float) -> None:
        """Ask it to end; after `patience` seconds kill it and its descendants."""
        # First the watch: once the process is reaped, its PID may be somebody else's.
        self._watch.kill()
        self._watch.communicate()
        end(self.process, ask=self._ask, patience=patience)
        self.process.wait()


def end(process: psutil.Process, *, ask: signal.Signals, patience: float) -> None:
    """Send `ask` and wait; after `patience` seconds kill what is left of `process`'s family.

    The family is looked up, not taken for a process group: Postgres's backends leave the group.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        process.send_signal(ask)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()
        if not wait_for(family, seconds=patience):
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            wait_for(family, seconds=patience)


def wait_for(family: Sequence[psutil.Process], *, seconds: float) -> bool:
    """Tell whether every process of `family` ended within `seconds`."""
    deadline = time.monotonic() + seconds
    while any(_runs(member) for member in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)

    return True


def _runs(process: psutil.Process) -> bool:
    """Tell a process from one that has ended, though its parent (a container's init) forgot it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def identity(uid: int | None) -> dict[str, Any]:
    """Return Popen's arguments for running as `uid` and nothing more, or as ourselves."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
