"""A Postgres that can be stopped by any signal and started again."""

import signal
import time
from pathlib import Path

import psycopg

from dev import cluster, paths
from dev.postgres import Server
from dev.process import Child, wait_for_exit

# Postgres's fast and immediate shutdown, and a kill.
FAST = signal.SIGINT
IMMEDIATE = signal.SIGQUIT
KILL = signal.SIGKILL


class RestartablePostgres:
    """A durable server that keeps its data, port and password after a restart."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._child = server.child
        self._command = server.child.process.cmdline()

    def stop(self, stop_signal: signal.Signals) -> None:
        """Send the signal to the postmaster, and wait until all its processes have ended."""
        postmaster = self._child.process
        # While it is suspended, it can't start another process, which would block the restart.
        postmaster.suspend()
        processes = [postmaster, *postmaster.children(recursive=True)]
        postmaster.send_signal(stop_signal)
        if stop_signal is not KILL:
            postmaster.resume()
        assert wait_for_exit(processes, timeout_seconds=30)
        self._child.stop(timeout_seconds=0)

    def start(self) -> None:
        """Start the server again, and wait until it answers."""
        with (self.server.folder / "log").open("ab") as log:
            self._child = Child(
                self._command,
                stop_signal=signal.SIGINT,
                env=cluster.ENVIRONMENT,
                cwd=Path("/"),
                output=log,
                uid=paths.unprivileged_uid(),
            )
        give_up_at = time.monotonic() + 60
        while not self._answers():
            assert self._child.process.poll() is None
            assert time.monotonic() < give_up_at

    def close(self) -> None:
        """Stop the process that was started last; the Server only stops the first one."""
        self._child.stop(timeout_seconds=30)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.server.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False

        return True
