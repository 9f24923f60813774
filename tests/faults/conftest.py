"""Fixtures for the faults, and the table of their figures."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev import postgres as launcher
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import as_property, table
from tests.support.faults.forms import LONG, SHORT, Form
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.faults.restartable import Restartable
from tests.support.server import WebServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--faults=long` choose the long form."""
    parser.addoption("--faults", choices=("short", "long"), default="short")


def _is_long(config: pytest.Config) -> bool:
    # Whoever runs the whole suite runs the short form, and hasn't got the option.
    return bool(config.getoption("--faults", "short") == "long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave away what is for the long form."""
    if not _is_long(config):
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures of every scenario, in whichever process it ran."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    rows = {row["scenario"]: row for name, row in properties if name == "figures"}
    if rows:
        terminalreporter.section("acknowledged = stored")
        terminalreporter.write("\n".join(table(rows[name] for name in sorted(rows))) + "\n")


@pytest.fixture
def form(request: pytest.FixtureRequest) -> Form:
    """Return the measures of this run."""
    return LONG if _is_long(request.config) else SHORT


@contextmanager
def deployed(postgres_folder: Path, folder: Path, *, pooled: bool = False) -> Iterator[Deployment]:
    """Yield a deployment on a durable Postgres 18 of its own, with the schema in its database."""
    with (
        launcher.start(postgres_folder / f"faults-{uuid.uuid4().hex}") as server,
        ExitStack() as on,
    ):
        reached = server.url()
        if pooled:
            files = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
            reached = on.enter_context(pgbouncer(server, files))
        restartable = Restartable(server)
        on.callback(restartable.end)
        deployment = Deployment(restartable, server.url(), reached, folder, pooled)
        deployment.migrate()
        yield deployment


@pytest.fixture
def deployment(
    postgres_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Yield a deployment that the test has to itself, and hand in its figures.

    The service reaches Postgres directly, unless the test is for both (tests.support.faults.forms).
    """
    pooled = getattr(request, "param", "direct") == "pgbouncer"
    with deployed(postgres_folder, tmp_path, pooled=pooled) as own:
        yield own
    request.node.user_properties += [as_property(row) for row in own.rows]


@pytest.fixture(scope="module")
def wire(
    postgres_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, WebServer]]:
    """Yield a deployment in good health, and its service, for what harms neither."""
    folder = tmp_path_factory.mktemp("wire")
    with deployed(postgres_folder, folder) as shared, shared.serve() as web:
        yield shared, web
