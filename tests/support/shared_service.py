"""Fixtures: a service under gunicorn, and its database, for the tests of one module."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.environment import open_engine
from tests.support.server import WebServer, web_server
from tests.support.stored_callbacks import truncate


@pytest.fixture(scope="module")
def _shared_server(
    module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    """Run the service, which waits one second for the body of a rejected request."""
    log = tmp_path_factory.mktemp("web") / "log"
    with web_server(module_database, log, {"rejected_read_seconds": 1.0}) as server:
        yield server


@pytest.fixture
def web_engine(module_database: str) -> Iterator[Engine]:
    """Yield an engine on the service's database."""
    with open_engine(module_database) as engine:
        yield engine


@pytest.fixture
def web(_shared_server: WebServer, web_engine: Engine) -> Iterator[WebServer]:
    """Yield the service with an empty database."""
    yield _shared_server
    truncate(web_engine)
