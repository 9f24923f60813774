"""A Postgres of our own: from the wheel's binaries, on loopback, gone when we are gone."""

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

_READY_WITHIN = 60.0  # seconds; recovery after a crash is part of it
_PORT_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running Postgres; a context manager that stops it."""

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
        """Return the URL under which `database` is reached."""
        return (
            f"postgresql://{cluster.USER}:{self.password}@127.0.0.1:{self.port}/{quote(database)}"
        )

    def stop(self) -> None:
        """Stop the server, ending every session (fast shutdown), and give the folder free."""
        self.child.stop(patience=cluster.STOP_WITHIN)
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
    """Start the server of the folder `data`, made on first use; return it once it answers.

    `settings` are Postgres's own, for this start. What an earlier, killed user of the folder
    left running is ended first. As root see `dev.paths`: `Server.folder` may be another folder.

    Raises RuntimeError if the folder is in use or the server doesn't answer (with its last words).
    """
    folder = paths.folder(data)
    lock = cluster.claim(folder)
    try:
        cluster.end_leftover(folder / "cluster")
        programs = paths.binaries(version, within=folder)
        if not (folder / "cluster").exists():
            cluster.create(folder / "cluster", programs)
        password = (folder / "password").read_text()
        port, child = _launch(programs / "postgres", folder, password, settings or {})
    except BaseException:
        lock.close()
        raise

    return Server(folder=folder, port=port, password=password, child=child, lock=lock)


def _launch(
    postgres: Path, folder: Path, password: str, settings: Mapping[str, str]
) -> tuple[int, Child]:
    """Start `postgres` on a free port and wait until it answers; return the port and the process.

    Between our finding the port and Postgres's taking it somebody else may: then try another.
    """
    log = folder / "log"
    for _ in range(_PORT_TRIES):
        with socket.create_server(("127.0.0.1", 0)) as finder:
            port = finder.getsockname()[1]
        ours = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options = [f"--{name}={value}" for name, value in {**settings, **ours}.items()]
        with log.open("wb") as output:
            child = Child(
                [postgres, "-D", folder / "cluster", *options],
                ask=signal.SIGINT,
                env=cluster.ENVIRONMENT,
                cwd=Path("/"),
                output=output,
                uid=paths.unprivileged_uid(),
            )
        try:
            if _answers(child, port, password):
                return port, child
        except BaseException:
            child.stop(patience=cluster.STOP_WITHIN)
            raise
        child.stop(patience=cluster.STOP_WITHIN)
        if b"could not bind" not in log.read_bytes():
            break
    last_words = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    raise RuntimeError(f"Postgres didn't start on {folder}. Its log ends:\n{last_words}")


def _answers(child: Child, port: int, password: str) -> bool:
    """Wait until a real connection works; False if the server ends, or takes too long."""
    deadline = time.monotonic() + _READY_WITHIN
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
