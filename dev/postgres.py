"""An embedded Postgres server from a Python package, on loopback; it ends with this process."""

import contextlib
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg

from dev import cluster, paths
from dev.process import Child

_READY_TIMEOUT_SECONDS = 60.0  # includes the recovery after a crash
_MAX_PORT_TRIES = 3
_LOG_LINE_COUNT = 10  # in an error message


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server; as a context manager, it stops at the end of the block."""

    folder: Path
    port: int
    password: str = field(repr=False)
    child: Child = field(repr=False)
    lock: IO[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.child.process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return (
            f"postgresql://{cluster.USER}:{self.password}@127.0.0.1:{self.port}/{quote(database)}"
        )

    def stop(self) -> None:
        """Stop the server, which ends all sessions (fast shutdown), and unlock the folder."""
        self.child.stop(timeout_seconds=cluster.STOP_TIMEOUT_SECONDS)
        self.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(data: Path, *, version: int = 18, settings: Mapping[str, str] | None = None) -> Server:
    """Start the server of the folder `data`, and return it when it accepts connections.

    The folder is created at first use. `settings` are settings of Postgres, only for this start. A
    server that a killed process left in the folder is stopped first. If we are root,
    `Server.folder` may be another folder: see `dev.paths`.

    Raises RuntimeError if the folder is in use, or if the server doesn't start; the error then
    contains the end of its log.
    """
    folder = paths.prepare_folder(data)
    lock = cluster.lock_folder(folder)
    try:
        cluster.stop_leftover(folder / "cluster")
        programs = paths.find_binaries(version, within=folder)
        if not (folder / "cluster").exists():
            cluster.create_cluster(folder / "cluster", programs)
        password = (folder / "password").read_text()
        port, child = _launch(programs / "postgres", folder, password, settings or {})
    except BaseException:
        lock.close()
        raise

    return Server(folder=folder, port=port, password=password, child=child, lock=lock)


def _launch(
    postgres: Path, folder: Path, password: str, settings: Mapping[str, str]
) -> tuple[int, Child]:
    """Start `postgres` on a free port, wait until it is ready, and return the port and process.

    Another process may take the port before Postgres does. Then another port is tried.
    """
    log = folder / "log"
    for _ in range(_MAX_PORT_TRIES):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        fixed = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in {**settings, **fixed}.items()]
        with log.open("wb") as output:
            child = Child(
                [postgres, "-D", folder / "cluster", *options],
                stop_signal=signal.SIGINT,
                env=cluster.ENVIRONMENT,
                cwd=Path("/"),
                output=output,
                uid=paths.unprivileged_uid(),
            )
        try:
            if _wait_until_ready(child, port, password):
                return port, child
        except BaseException:
            child.stop(timeout_seconds=cluster.STOP_TIMEOUT_SECONDS)
            raise
        child.stop(timeout_seconds=cluster.STOP_TIMEOUT_SECONDS)
        if b"could not bind" not in log.read_bytes():
            break
    log_end = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINE_COUNT:])
    raise RuntimeError(f"Postgres didn't start in {folder}. Its log ends with:\n{log_end}")


def _wait_until_ready(child: Child, port: int, password: str) -> bool:
    """Wait until a connection succeeds; return False if the server ends or takes too long."""
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while child.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user=cluster.USER,
                password=password,
                dbname="postgres",
                connect_timeout=2,
            ).close()

            return True
        time.sleep(0.02)

    return False
