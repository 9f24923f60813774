"""Processes that end with us, however we end."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

# A shell that leaves a watch behind and becomes the program ($1 and what follows). The watch sends
# $0 at the end of our side of the pipe, which comes even by a kill -9 of us, at whatever moment.
# A line says that the program needs no watch any more. It's nobody's child: Postgres takes the end
# of a child that it doesn't know for a crash.
_WATCHED = """
exec 3<&0 </dev/null
( { read -r _ <&3 || { kill -s "$0" $$; kill -s CONT $$; }; } >/dev/null 2>&1 & )
exec "$@" 3<&-
"""


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
            ["/bin/sh", "-c", _WATCHED, ask.name.removeprefix("SIG"), *command],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **identity(uid),
        )

    def stop(self, *, patience: float) -> None:
        """Ask it to end; after `patience` seconds kill it and its descendants.

        Once it has ended, this does nothing.
        """
        # First the watch: once the process is reaped, its PID may be somebody else's.
        watch = self.process.stdin
        if not watch.closed:
            with contextlib.suppress(BrokenPipeError), watch:
                watch.write(b"\n")
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
