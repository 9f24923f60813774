"""The folder of one Postgres server: `cluster` (the data), `password` (0600), `lock`, `log`."""

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
from dev.process import run_as, terminate

USER = "postgres"
# After this time the server is killed. The next start then needs a recovery; no data is lost.
STOP_TIMEOUT_SECONDS = 15.0
# The server inherits no other variables: PGDATA, PGOPTIONS, LC_ALL or TZ could change its behavior.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def lock_folder(folder: Path) -> IO[bytes]:
    """Lock the folder until the returned file is closed; the kernel closes it if we are killed."""
    lock = (folder / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise RuntimeError(
            f"{folder} is in use by another run. Stop that run first (Ctrl-C in its terminal)."
        ) from None

    return lock


def stop_leftover(cluster: Path) -> None:
    """Stop a server that a killed run left behind; the caller holds the folder's lock.

    The server is identified by the folder in its command line, because the PID in its PID file may
    belong to another process now. In that case the file is removed: Postgres would trust it and
    refuse to start.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and str(cluster) in process.cmdline():
                terminate(process, stop_signal=signal.SIGINT, timeout_seconds=STOP_TIMEOUT_SECONDS)
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        if psutil.pid_exists(int(pid_file.read_text().splitlines()[0])):
            pid_file.unlink()


def create_cluster(cluster: Path, programs: Path) -> None:
    """Create the cluster and its password.

    It is created under another name, so that an interrupted creation leaves no broken cluster.
    """
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
        **run_as(uid),
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed for {cluster}:\n{done.stdout.decode(errors='replace')}")
    partial.rename(cluster)
