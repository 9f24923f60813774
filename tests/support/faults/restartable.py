"""A Postgres that is stopped in every way there is, and started again where it was."""

import signal
import time
from pathlib import Path

import psycopg

from dev import cluster, paths
from dev.postgres import Server
from dev.process import Child, wait_for_exit

# What the server calls its ways of stopping, and the worst.
FAST = signal.SIGINT
IMMEDIATE = signal.SIGQUIT
KILL = signal.SIGKILL


class Restartable:
    """A durable server; started again it has the same data, port and password."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._child = server.child
        self._command = server.child.process.cmdline()

    def stop(self, how: signal.Signals) -> None:
        """Send the postmaster `how`, and wait until none of its processes is left."""
        postmaster = self._child.process
        # It must not give birth meanwhile: one whom we don't wait for would hinder the next start.
        postmaster.suspend()
        family = [postmaster, *postmaster.children(recursive=True)]
        postmaster.send_signal(how)
        if how is not KILL:
            postmaster.resume()
        assert wait_for_exit(family, timeout_seconds=30)
        self._child.stop(timeout_seconds=0)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        with (self.server.folder / "log").open("ab") as log:
            self._child = Child(
                self._command,
                stop_signal=signal.SIGINT,
                env=cluster.ENVIRONMENT,
                cwd=Path("/"),
                output=log,
                uid=paths.unprivileged_uid(),
            )
        give_up = time.monotonic() + 60
        while not self._answers():
            assert self._child.process.poll() is None
            assert time.monotonic() < give_up

    def end(self) -> None:
        """Stop what runs now; the server's own end is for what was started first."""
        self._child.stop(timeout_seconds=30)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.server.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False

        return True
