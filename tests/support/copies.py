"""Copies of a database: restored from a dump, and as a standby of the whole server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev import cluster, paths
from dev import postgres as launcher
from dev.postgres import Server
from dev.process import run_as


def restore(url: str, into: str, *, version: int, folder: Path) -> None:
    """Dump the database, and restore the dump into another one."""
    programs = paths.find_binaries(version, within=folder)
    dump = _run(programs / "pg_dump", "--no-owner", url)
    _run(programs / "psql", "--quiet", "--set=ON_ERROR_STOP=1", into, text=dump)


@contextmanager
def standby(primary: Server, folder: Path, *, version: int) -> Iterator[Server]:
    """Yield a standby of the server, which is in recovery until it is promoted."""
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
