"""The embedded Postgres: one folder, one server, on loopback, which ends with its starter."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from dev import paths, postgres
from dev.postgres import Server
from dev.process import wait_for_exit

# A program that starts a server, prints its PID and URL, and waits to be killed.
_STARTER = """
import json, pathlib, sys, time
from dev import postgres
server = postgres.start(pathlib.Path(sys.argv[1]))
print(json.dumps({"pid": server.pid, "url": server.url()}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(postgres_folder: Path) -> Iterator[Path]:
    """Yield a folder that doesn't exist yet, with a name that needs correct quoting."""
    folder = postgres_folder / f"a b#%+& {uuid.uuid4().hex}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _query_value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None

    return row[0]


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def test_server_listens_on_loopback_only(postgres: Server) -> None:
    """A server listens on 127.0.0.1 only, on no Unix socket, and requires a password."""
    url = postgres.url()
    listening = [c for c in psutil.Process(postgres.pid).net_connections() if c.laddr]

    assert {connection.laddr for connection in listening} == {("127.0.0.1", postgres.port)}
    assert _query_value(url, "SHOW unix_socket_directories") == ""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password="wrong")


def test_encoding_is_utf8_without_locale(postgres: Server) -> None:
    """Encoding, collation and time zone don't depend on the user who starts the server."""
    url = postgres.url()

    assert _query_value(url, "SHOW server_encoding") == "UTF8"
    assert _query_value(url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
    assert _query_value(url, "SHOW timezone") == "UTC"


def test_password_file_is_private(postgres: Server) -> None:
    """The password file has mode 0600, and the server's repr doesn't contain the password."""
    password = postgres.folder / "password"

    assert password.stat().st_mode & 0o777 == 0o600
    assert postgres.password == password.read_text()
    assert postgres.password not in repr(postgres)


def test_data_survive_a_restart(folder: Path) -> None:
    """A restart of the same folder finds the data."""
    with postgres.start(folder) as server:
        _execute(server.url(), "CREATE TABLE numbers AS SELECT 1 AS n")

    with postgres.start(folder) as server:
        assert _query_value(server.url(), "SELECT n FROM numbers") == 1


def test_partial_cluster_is_created_again(folder: Path) -> None:
    """A cluster whose creation was killed is created again."""
    (folder / "cluster.partial").mkdir(parents=True)
    (folder / "cluster.partial" / "PG_VERSION").write_text("18")
    (folder / "password").touch()

    with postgres.start(folder) as server:
        assert _query_value(server.url(), "SELECT 1") == 1


def test_folder_in_use_is_refused(folder: Path) -> None:
    """A second start of a folder in use is refused, and doesn't affect the first."""
    with postgres.start(folder) as server:
        with pytest.raises(RuntimeError, match="in use by another run"):
            postgres.start(folder)

        assert _query_value(server.url(), "SELECT 1") == 1


def test_server_ends_with_its_starter(folder: Path) -> None:
    """A kill -9 of the program that started a server ends the server and its watchdog too."""
    starter, started = _start_starter(folder)
    processes = [*_process_tree(starter.pid), *_watchdogs(psutil.Process(started["pid"]))]
    assert started["pid"] in [process.pid for process in processes]

    starter.kill()
    starter.communicate()

    assert wait_for_exit(processes, timeout_seconds=30)


def test_leftover_server_is_ended(folder: Path) -> None:
    """A start ends a leftover server of its folder, even if the PID file names another process."""
    starter, started = _start_starter(folder)
    _execute(started["url"], "CREATE TABLE numbers AS SELECT 1 AS n")
    leftover = psutil.Process(started["pid"])
    # Kill the watchdog first: it would end the server after its starter.
    for process in (*_watchdogs(leftover), psutil.Process(starter.pid)):
        process.kill()
    starter.communicate()
    pid_file = paths.prepare_folder(folder) / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    assert leftover.is_running()

    with postgres.start(folder) as server:
        assert wait_for_exit([leftover], timeout_seconds=30)
        assert _query_value(server.url(), "SELECT n FROM numbers") == 1


def test_reused_pid_is_left_alone(folder: Path) -> None:
    """A PID file with the PID of another program doesn't prevent a start or harm the program."""
    with postgres.start(folder) as server:
        pid_file = server.folder / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines(keepends=True)
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as another:
        pid_file.write_text("".join([f"{another.pid}\n", *lines[1:]]))

        with postgres.start(folder) as server:
            assert _query_value(server.url(), "SELECT 1") == 1
        assert another.poll() is None


def test_failed_start_shows_the_log(folder: Path) -> None:
    """The error of a server that doesn't start contains the last lines of its log."""
    with pytest.raises(RuntimeError, match=r"(?s)didn't start.*no_such_setting"):
        postgres.start(folder, settings={"no_such_setting": "1"})


def test_unknown_version(folder: Path) -> None:
    """A version that the package doesn't contain is an error."""
    with pytest.raises(LookupError, match="No Postgres 9"):
        postgres.start(folder, version=9)


def test_folder_below_a_private_folder_works(postgres_folder: Path) -> None:
    """A server starts in a folder below one of mode 0700, whose mode stays, as root too."""
    private = postgres_folder / "closed"
    private.mkdir(mode=0o700)

    with postgres.start(private / "data") as server:
        assert _query_value(server.url(), "SELECT 1") == 1
    shutil.rmtree(server.folder)

    assert private.stat().st_mode & 0o777 == 0o700


def test_unreachable_binaries_are_copied(
    postgres_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher copies binaries that the server's uid can't reach, with their libraries."""
    private = postgres_folder / "site-packages"
    private.mkdir(mode=0o700)
    installed = paths.find_binaries(18, within=postgres_folder).parents[1]
    for part in (installed, installed.with_suffix(".libs")):
        if part.exists():
            shutil.copytree(part, private / part.name, symlinks=True)
    monkeypatch.syspath_prepend(str(private))

    with postgres.start(postgres_folder / "copied") as server:
        assert _query_value(server.url(), "SELECT 1") == 1

    copies = list(server.folder.glob("binaries-18"))
    assert bool(copies) == (os.geteuid() == 0)


def _start_starter(folder: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, folder], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None

    return starter, json.loads(starter.stdout.readline())


def _watchdogs(server: psutil.Process) -> list[psutil.Process]:
    """Return the server's watchdog, found by its session because it is no child of the server."""
    watchdogs = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == server.pid and process != server:
                watchdogs.append(process)
    assert watchdogs

    return watchdogs


def _process_tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)

    return [process, *process.children(recursive=True)]
