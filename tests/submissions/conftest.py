"""Fixtures of the tests of submissions: the simulated Twilio, and a client that may submit."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from receiver.simulator.server import SimulatorServer, serve
from tests.support.simulator.account import simulated
from tests.support.submitting import SETTINGS, open_app


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Add a key with write permission, and a Twilio account."""
    return environ | SETTINGS


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def client(environ: dict[str, str], twilio: SimulatorServer) -> Iterator[FlaskClient]:
    """Yield a client of the service, which calls the simulated Twilio."""
    with open_app(environ, twilio.url) as app:
        yield app.test_client()
