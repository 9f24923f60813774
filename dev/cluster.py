"""The folder of one server: `cluster` (the data), `password` (mode 0600), `lock` and `log`."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO

import psutil

from dev import paths
from dev.process import end, identity

USER = "postgres"
STOP_WITHIN = 15.0  # seconds; then it's killed, which costs a recovery, no data
# Nothing exported (PGDATA, PGOPTIONS, LC_ALL, TZ, …) has a say in how the server behaves.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def claim(folder: Path) -> IO[bytes]:
    """Lock `folder` until the returned file is closed; the kernel does it if we are killed."""
    lock = (folder / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise RuntimeError(
            f"{folder} is in use by another run: stop that one first (Ctrl-C there)."
        ) from None

    return lock


def end_leftover(cluster: Path) -> None:
    """End a server that a killed run left on `cluster`; the caller holds the folder's lock.

    It's known by the folder in its command line: the PID in its file may be another's by now. In
    that case the file goes, for Postgres would believe it and refuse to start.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and str(cluster) in process.cmdline():
                end(process, ask=signal.SIGINT, patience=STOP_WITHIN)
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        if psutil.pid_exists(int(pid_file.read_text().splitlines()[0])):
            pid_file.unlink()


def create(cluster: Path, programs: Path) -> None:
    """Make `cluster` and its password; half a cluster is never mistaken for one."""
    uid = paths.unprivileged_uid()
    partial = cluster.with_name("cluster.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    password = cluster.with_name("password")
    password.unlink(missing_ok=True)
    password.touch(mode=0o600, exist_ok=False)
    password.write_text(secrets.token_hex(16))
    if uid is not None:
        os.chown(partial, uid, -1)
        os.chown(password, uid, -1)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
    done = subprocess.run(  # noqa: S603 - our own binaries
        [programs / "initdb", *options, f"--pwfile={password}", f"--pgdata={partial}"],
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **identity(uid),
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed for {cluster}:\n{done.stdout.decode(errors='replace')}")
    partial.rename(cluster)
