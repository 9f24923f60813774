"""Copies of a database: restored from a dump, and as a standby of the whole server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from dev import cluster, paths
from dev import postgres as launcher
from dev.postgres import Server
from dev.process import run_as


def restore(url: str, into: str, *, folder: Path) -> None:
    """Dump the database, and restore the dump into another one, of a newer version perhaps."""
    version = _version_of(url)
    if _version_of(into) < version:
        pytest.skip("Postgres restores no dump of a newer version")
    programs = paths.find_binaries(version, within=folder)
    dump = _run(programs / "pg_dump", "--no-owner", url)
    _run(programs / "psql", "--quiet", "--set=ON_ERROR_STOP=1", into, text=dump)


@contextmanager
def standby(primary: Server, folder: Path) -> Iterator[Server]:
    """Yield a standby of the server, which is in recovery until it is promoted."""
    version = _version_of(primary.url())
    uid = paths.unprivileged_uid()
    folder.mkdir(mode=0o711)
    data = folder / "cluster"
    data.mkdir(mode=0o700)
    shutil.copy(primary.folder / "password", folder / "password")
    if uid is not None:
        os.chown(data, uid, -1)
    programs = paths.find_binaries(version, within=folder)
    options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    _run(programs / "pg_basebackup", *options, f"--pgdata={data}", f"--dbname={primary.url()}")
    with launcher.start(folder, version=version) as server:
        yield server


def _version_of(url: str) -> int:
    """Return the major version of the server."""
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


def _run(*command: str | Path, text: str | None = None) -> str:
    """Run a program of Postgres as its user; return its output."""
    done = subprocess.run(
        command,
        check=False,
        cwd="/",
        env=cluster.ENVIRONMENT,
        input=text,
        capture_output=True,
        encoding="utf-8",
        **run_as(paths.unprivileged_uid()),
    )
    assert done.returncode == 0, done.stderr

    return str(done.stdout)
