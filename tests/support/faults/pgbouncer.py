"""PgBouncer in transaction mode, as hosted databases run it in front of Postgres."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dev import paths
from dev.postgres import Server
from dev.process import Child
from tests.support.server import (
    free_port,
)
from tests.support.waiting import wait_until

# Debian installs it in /usr/sbin, which isn't in every user's PATH.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

# Only the necessary settings. After a failed login PgBouncer waits 15 s by default before it
# connects to the server again, which is longer than any request may take.
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {folder}/users
logfile = {folder}/log
server_login_retry = 1
"""


@contextlib.contextmanager
def pgbouncer(server: Server, folder: Path) -> Iterator[str]:
    """Run PgBouncer in front of `server`, with its files in `folder`; yield the URL through it.

    Skips the test if PgBouncer isn't installed, because it is no Python package.
    """
    if PROGRAM is None:
        pytest.skip(
            "PgBouncer isn't installed: use `apt install pgbouncer` or your system's package"
        )
    uid = paths.unprivileged_uid()
    folder = paths.prepare_folder(folder)
    port = free_port()
    user = urlsplit(server.url())
    (folder / "users").write_text(f'"{user.username}" "{user.password}"\n')
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(server_port=server.port, port=port, folder=folder)
    )
    (folder / "log").touch()
    if uid is not None:
        for path in folder.iterdir():
            shutil.chown(path, uid)
    child = Child(
        [PROGRAM, "--quiet", configuration],
        stop_signal=signal.SIGINT,
        env={},
        cwd=Path("/"),
        uid=uid,
    )
    url = server.url().replace(f":{server.port}/", f":{port}/")
    try:
        wait_until(lambda: _answers(url))
        yield url
    finally:
        child.stop(timeout_seconds=10)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False

    return True
