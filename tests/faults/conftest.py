"""Fixtures for the fault tests, and the table of their figures."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev import postgres as launcher
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import format_table, to_property
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.faults.profiles import LONG, SHORT, Profile
from tests.support.faults.restartable import RestartablePostgres
from tests.support.server import WebServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--faults`, which selects the short or the long profile."""
    parser.addoption("--faults", choices=("short", "long"), default="short")


def _is_long(config: pytest.Config) -> bool:
    # The option exists only if pytest is run on tests/faults; otherwise the profile is short.
    return bool(config.getoption("--faults", "short") == "long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of the long profile, unless it is selected."""
    if not _is_long(config):
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures of every scenario and of every attack, from all test processes."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    for kind, title, key in (
        ("figures", "acknowledged = stored", "scenario"),
        ("attack", "callbacks during attacks: median / longest in ms", "attack"),
    ):
        rows = {row[key]: row for name, row in properties if name == kind}
        if rows:
            terminalreporter.section(title)
            terminalreporter.write(
                "\n".join(format_table([rows[name] for name in sorted(rows)])) + "\n"
            )


@pytest.fixture(scope="session")
def profile(request: pytest.FixtureRequest) -> Profile:
    """Return the selected profile."""
    return LONG if _is_long(request.config) else SHORT


@contextmanager
def run_deployment(
    postgres_folder: Path, folder: Path, *, pooled: bool = False
) -> Iterator[Deployment]:
    """Yield a deployment on its own durable Postgres 18, with the schema in its database."""
    with (
        launcher.start(postgres_folder / f"faults-{uuid.uuid4().hex}") as server,
        ExitStack() as stack,
    ):
        service_url = server.url()
        if pooled:
            files = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
            service_url = stack.enter_context(pgbouncer(server, files))
        restartable = RestartablePostgres(server)
        stack.callback(restartable.close)
        deployment = Deployment(restartable, server.url(), service_url, folder, pooled)
        deployment.migrate()
        yield deployment


@pytest.fixture
def deployment(
    postgres_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Yield a deployment for one test, and report its figures.

    The service connects directly, unless a mark of tests.support.faults.profiles says otherwise.
    """
    pooled = getattr(request, "param", "direct") == "pgbouncer"
    with run_deployment(postgres_folder, tmp_path, pooled=pooled) as deployed:
        yield deployed
    request.node.user_properties += [to_property(row) for row in deployed.figures]


@pytest.fixture(scope="module")
def shared_service(
    postgres_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, WebServer]]:
    """Yield a healthy deployment and its service, for tests that damage neither."""
    folder = tmp_path_factory.mktemp("wire")
    with run_deployment(postgres_folder, folder) as shared, shared.serve() as web:
        yield shared, web
