"""The embedded Postgres: one folder, one server, on loopback, gone with us."""

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
from dev.process import wait_for

# A program that starts a server, tells of it and waits to be killed.
_USER = """
import json, pathlib, sys, time
from dev import postgres
server = postgres.start(pathlib.Path(sys.argv[1]))
print(json.dumps({"pid": server.pid, "url": server.url()}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(postgres_folder: Path) -> Iterator[Path]:
    """Yield a folder that is not made yet, of a name that is nothing for quoting by hand."""
    folder = postgres_folder / f"a b#%+& {uuid.uuid4().hex}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None

    return row[0]


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def test_listens_on_loopback_with_a_password_and_on_no_socket(postgres: Server) -> None:
    """A server listens on 127.0.0.1 alone, on no Unix socket, and wants a password."""
    url = postgres.url()
    listening = [c for c in psutil.Process(postgres.pid).net_connections() if c.laddr]

    assert {connection.laddr for connection in listening} == {("127.0.0.1", postgres.port)}
    assert _one(url, "SHOW unix_socket_directories") == ""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password="wrong")


def test_its_data_is_utf8_in_no_language(postgres: Server) -> None:
    """Encoding, order and time zone do not depend on who starts the server."""
    url = postgres.url()

    assert _one(url, "SHOW server_encoding") == "UTF8"
    assert _one(url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
    assert _one(url, "SHOW timezone") == "UTC"


def test_its_password_is_nobody_elses_to_read(postgres: Server) -> None:
    """The password lies beside the data with mode 0600, and stays out of the server's repr."""
    password = postgres.folder / "password"

    assert password.stat().st_mode & 0o777 == 0o600
    assert postgres.password == password.read_text()
    assert postgres.password not in repr(postgres)


def test_data_stay(folder: Path) -> None:
    """What was written before a stop is there after the next start of the same folder."""
    with postgres.start(folder) as server:
        _execute(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")

    with postgres.start(folder) as server:
        assert _one(server.url(), "SELECT n FROM kept") == 1


def test_half_a_cluster_is_made_anew(folder: Path) -> None:
    """A creation that was killed half-way leaves nothing that is taken for a cluster."""
    (folder / "cluster.partial").mkdir(parents=True)
    (folder / "cluster.partial" / "PG_VERSION").write_text("18")
    (folder / "password").touch()

    with postgres.start(folder) as server:
        assert _one(server.url(), "SELECT 1") == 1


def test_a_folder_has_one_user(folder: Path) -> None:
    """A second start on a folder in use is refused with a sentence, and harms nothing."""
    with postgres.start(folder) as server:
        with pytest.raises(RuntimeError, match="in use by another run"):
            postgres.start(folder)

        assert _one(server.url(), "SELECT 1") == 1


def test_ends_with_its_user(folder: Path) -> None:
    """A kill -9 of the program that started a server ends the server too, and its watch."""
    user, told = _start_user(folder)
    family = [*_tree(user.pid), *_watches(psutil.Process(told["pid"]))]
    assert told["pid"] in [process.pid for process in family]

    user.kill()
    user.communicate()

    assert wait_for(family, seconds=30)


def test_leftover_is_ended_by_its_folder(folder: Path) -> None:
    """A server whose user and watch were killed is found by its folder, though its PID is lost."""
    user, told = _start_user(folder)
    _execute(told["url"], "CREATE TABLE kept AS SELECT 1 AS n")
    leftover = psutil.Process(told["pid"])
    # The watch first: at its user's end it would end the server.
    for process in (*_watches(leftover), psutil.Process(user.pid)):
        process.kill()
    user.communicate()
    pid_file = paths.folder(folder) / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    assert leftover.is_running()

    with postgres.start(folder) as server:
        assert wait_for([leftover], seconds=30)
        assert _one(server.url(), "SELECT n FROM kept") == 1


def test_a_reused_pid_is_left_alone(folder: Path) -> None:
    """A PID file whose PID is another program's by now keeps nobody from starting."""
    with postgres.start(folder) as server:
        pid_file = server.folder / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().splitlines(keepends=True)
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as another:
        pid_file.write_text("".join([f"{another.pid}\n", *lines[1:]]))

        with postgres.start(folder) as server:
            assert _one(server.url(), "SELECT 1") == 1
        assert another.poll() is None


def test_a_failure_tells_the_logs_end(folder: Path) -> None:
    """A server that doesn't start is reported with the last lines of its log."""
    with pytest.raises(RuntimeError, match=r"(?s)didn't start.*no_such_setting"):
        postgres.start(folder, settings={"no_such_setting": "1"})


def test_unknown_version(folder: Path) -> None:
    """A version that the wheel doesn't carry is an error with the remedy."""
    with pytest.raises(LookupError, match="No Postgres 9"):
        postgres.start(folder, version=9)


def test_works_where_only_its_owner_may_enter(postgres_folder: Path) -> None:
    """A server starts for a folder below one of mode 0700, whose mode stays, as root too."""
    closed = postgres_folder / "closed"
    closed.mkdir(mode=0o700)

    with postgres.start(closed / "data") as server:
        assert _one(server.url(), "SELECT 1") == 1
    shutil.rmtree(server.folder)

    assert closed.stat().st_mode & 0o777 == 0o700


def test_binaries_are_copied_where_their_uid_cannot_run_them(
    postgres_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binaries that the server's uid can't reach are copied with their libraries, and run."""
    closed = postgres_folder / "site-packages"
    closed.mkdir(mode=0o700)
    installed = paths.binaries(18, within=postgres_folder).parents[1]
    for part in (installed, installed.with_suffix(".libs")):
        if part.exists():
            shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.syspath_prepend(str(closed))

    with postgres.start(postgres_folder / "copied") as server:
        assert _one(server.url(), "SELECT 1") == 1

    copies = list(server.folder.glob("binaries-18"))
    assert bool(copies) == (os.geteuid() == 0)


def _start_user(folder: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    user = subprocess.Popen(
        [sys.executable, "-c", _USER, folder], stdout=subprocess.PIPE, text=True
    )
    assert user.stdout is not None

    return user, json.loads(user.stdout.readline())


def _watches(server: psutil.Process) -> list[psutil.Process]:
    """Return the server's watch: nobody's child, it is known by the session that they share."""
    watches = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == server.pid and process != server:
                watches.append(process)
    assert watches

    return watches


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)

    return [process, *process.children(recursive=True)]
