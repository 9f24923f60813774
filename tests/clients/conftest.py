"""Fixtures: a served application, and the simulated Twilio to which it submits."""

from collections.abc import Iterator

import pytest
from flask import Flask

from receiver.simulator.server import SimulatorServer, serve
from tests.support.environment import serve_app
from tests.support.simulator.account import simulated
from tests.support.submitting import SETTINGS


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], simulator: SimulatorServer) -> dict[str, str]:
    """Let the service submit to the simulated Twilio, and use the origin of each request."""
    return environ | SETTINGS | {"PUBLIC_URL": "", "TWILIO_BASE_URL": simulator.url}


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    """Yield the origin at which the application is served."""
    with serve_app(app, threaded=True) as origin:
        yield origin
