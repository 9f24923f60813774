"""Real Postgres for the tests: version 18 for all of them, and 16 where the version may matter.

The store's tests and those with the mark `both_postgres` run on both versions; with
`--postgres=both` every test that needs Postgres does. Each test process starts one shared server
per version when first needed; the server ends with the process. A missing version is a failure; no
test is skipped.
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
_DEFAULT_VERSIONS = (18,)
# No test needs data after a crash of a shared server. A test of durability uses `own_postgres`.
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--postgres=both` run every test that needs Postgres on both versions."""
    parser.addoption("--postgres", choices=("default", "both"), default="default")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the versions for a test that needs Postgres."""
    for fixture in ("postgres", "own_postgres"):
        if fixture in metafunc.fixturenames:
            is_both = metafunc.config.getoption("--postgres") == "both"
            is_marked = metafunc.definition.get_closest_marker("both_postgres")
            versions = VERSIONS if is_both or is_marked else _DEFAULT_VERSIONS
            metafunc.parametrize(fixture, versions, indirect=True, ids="postgres{}".format)


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """Create a folder that the servers' uid can enter; root's folder of pytest is closed to it."""
    with tempfile.TemporaryDirectory(prefix="tests-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def _servers(postgres_folder: Path) -> Iterator[Callable[[int], Server]]:
    """Yield a function that returns the shared server of a version, and starts it if needed."""
    running: dict[int, Server] = {}
    with ExitStack() as stack:

        def server(version: int) -> Server:
            if version not in running:
                folder = postgres_folder / f"shared-{version}"
                started = launcher.start(folder, version=version, settings=_FAST)
                running[version] = stack.enter_context(started)
            return running[version]

        yield server


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, _servers: Callable[[int], Server]) -> Server:
    """Return the shared server of the version that the test runs on."""
    return _servers(request.param)


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """Yield the URL of a new, empty database."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def own_postgres(request: pytest.FixtureRequest, postgres_folder: Path) -> Iterator[Server]:
    """Yield a durable server for this test only, to freeze or to kill."""
    folder = postgres_folder / f"own-{uuid.uuid4().hex}"
    with launcher.start(folder, version=request.param) as server:
        yield server


@contextlib.contextmanager
def new_database(server: Server, *, template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new database, a copy of `template`; drop it afterwards, even if in use."""
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
def refusing_connections(server: Server, database: str) -> Iterator[None]:
    """End all connections to the database, and refuse new ones, until the block ends."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop every process of `server` (SIGSTOP): the kernel acknowledges, no process answers."""
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    # A backend may end before it is suspended.
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
