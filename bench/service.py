"""Runs a contestant on a database of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from bench.contestants import ROOT, Contestant
from bench.database import Database, create
from bench.load import callbacks
from bench.load.requests import API_KEY
from dev.http import send_request
from dev.postgres import Server
from dev.process import Child

_PROGRAMS = Path(sys.executable).parent
_START_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running contestant."""

    contestant: Contestant
    port: int
    database: Database | None
    start_seconds: float  # from the command to the first response
    child: Child = field(repr=False)

    def workers(self) -> list[psutil.Process]:
        """Return its worker processes, or its only process."""
        return self.child.process.children() or [self.child.process]

    def memory_bytes(self) -> int:
        """Return the memory of all its processes; what some of them share is counted once."""
        processes = [self.child.process, *self.child.process.children(recursive=True)]

        return sum(process.memory_full_info().pss for process in processes)

    def clear(self) -> None:
        """Delete all callbacks."""
        if self.database and self.contestant.tables:
            self.database.clear(*self.contestant.tables)

    def rows(self) -> int:
        """Return how many callbacks it has stored."""
        assert self.database  # noqa: S101 - for the type checker
        count: int = self.database.fetch_value(f"SELECT count(*) FROM {self.contestant.tables[0]}")  # noqa: S608 - ours

        return count


def prepare_database(contestant: Contestant, server: Server, *, name: str) -> Database:
    """Return a new database with the contestant's tables."""
    database = create(server, name)
    if contestant.prepare:
        done = subprocess.run(  # noqa: S603 - our own command
            ["/bin/sh", "-c", f"exec {contestant.prepare}"],
            check=False,
            cwd=ROOT,
            env=_environment(database.url, port=0, workers=1),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{contestant.name}: its tables can't be created: {done.stderr}")

    return database


@contextmanager
def serving(  # noqa: PLR0913 - all that differ by name
    contestant: Contestant,
    database: Database | None,
    folder: Path,
    *,
    workers: int = 2,
    url: str | None = None,
    cgroup: Path | None = None,
) -> Iterator[Running]:
    """Run a contestant until the block ends.

    `database` must be prepared; None if the contestant has none. It is reached at `url`, by default
    its own URL. Logs are written to `folder`. All its processes are in `cgroup`, if one is given.
    """
    port = unused_port()
    url = url or (database.url if database else "")
    command = f"exec {contestant.command.format(port=port, workers=workers)}"
    if cgroup:
        command = f"echo $$ >'{cgroup}/cgroup.procs' && {command}"
    started = time.monotonic()
    with (folder / f"{contestant.name}.log").open("ab") as output:
        child = Child(
            ["/bin/sh", "-c", command],
            stop_signal=signal.SIGTERM,
            env=_environment(url, port=port, workers=workers, folder=folder),
            cwd=ROOT,
            output=output,
        )
    try:
        _wait_until_it_answers(contestant, child, port, folder)
        yield Running(
            contestant=contestant,
            port=port,
            database=database,
            start_seconds=time.monotonic() - started,
            child=child,
        )
    finally:
        child.stop(timeout_seconds=20)


def unused_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]

    return port


def _environment(
    url: str, *, port: int, workers: int, folder: Path | None = None
) -> Mapping[str, str]:
    """Return the environment: production's settings, of which a peer uses those that it knows.

    The spool and the compiled modules are in `folder`; without one there are none.
    """
    files = (
        {
            "SPOOL_DIR": str(folder / "spool"),
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        }
        if folder
        else {"PYTHONDONTWRITEBYTECODE": "1"}
    )

    return {
        "PATH": f"{_PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": url,
        "PUBLIC_URL": callbacks.PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": callbacks.TOKEN,
        "TWILIO_ACCOUNT_SID": callbacks.ACCOUNT,
        "API_KEYS": ":".join(API_KEY),
        "PORT": str(port or 8000),
        "WEB_CONCURRENCY": str(workers),
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
        **files,
    }


def _wait_until_it_answers(contestant: Contestant, child: Child, port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while True:
        try:
            send_request("GET", f"http://127.0.0.1:{port}/healthz")
        except requests.RequestException as error:
            if child.process.poll() is not None or time.monotonic() > deadline:
                log = (folder / f"{contestant.name}.log").read_text(errors="replace")
                last_lines = "\n".join(log.splitlines()[-10:])
                raise RuntimeError(f"{contestant.name} doesn't serve: {last_lines}") from error
            time.sleep(0.05)
        else:
            return
