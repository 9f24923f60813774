"""Real Postgres for the tests, 16 and 18: whoever asks for `postgres` or `database` runs on both.

The shared servers are started when first needed, one per version and test process, and end with
that process, however it ends. A missing one fails; nothing is skipped.
"""

import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

from dev import postgres as launcher
from dev.postgres import Server

VERSIONS = (16, 18)
# What the shared servers hold outlives no test. A test of durability takes `own_postgres`.
_FAST = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """Make a folder for servers that their uid can enter, which pytest's own isn't for root."""
    with tempfile.TemporaryDirectory(prefix="tests-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def _servers(postgres_folder: Path) -> Iterator[Callable[[int], Server]]:
    """Yield what gives the shared server of a version, starting it the first time."""
    running: dict[int, Server] = {}
    with ExitStack() as stack:

        def server(version: int) -> Server:
            if version not in running:
                folder = postgres_folder / f"shared-{version}"
                started = launcher.start(folder, version=version, settings=_FAST)
                running[version] = stack.enter_context(started)
            return running[version]

        yield server


@pytest.fixture(scope="session", params=VERSIONS, ids="postgres{}".format)
def postgres(request: pytest.FixtureRequest, _servers: Callable[[int], Server]) -> Server:
    """Return the shared server of each version in turn."""
    return _servers(request.param)


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """Yield the URL of a fresh, empty database."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(params=VERSIONS, ids="postgres{}".format)
def own_postgres(request: pytest.FixtureRequest, postgres_folder: Path) -> Iterator[Server]:
    """Yield a durable server that the test has to itself, to freeze or to kill."""
    folder = postgres_folder / f"own-{uuid.uuid4().hex}"
    with launcher.start(folder, version=request.param) as server:
        yield server


@contextlib.contextmanager
def new_database(server: Server, *, template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new database, a copy of `template`; drop it afterwards, in use or not."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield server.url(name)
    finally:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop every process of `server` (SIGSTOP): the kernel acknowledges, nobody answers."""
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    # A backend may end in between.
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
