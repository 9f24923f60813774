"""Fixtures of the tests of `submit`: the simulated Twilio, and an environment that names it."""

from collections.abc import Iterator

import pytest

from receiver.simulator.server import SimulatorServer, serve
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import simulated


@pytest.fixture
def twilio() -> Iterator[SimulatorServer]:
    """Yield a simulated Twilio."""
    with serve(simulated()) as served:
        yield served


@pytest.fixture
def environ(environ: dict[str, str], twilio: SimulatorServer) -> dict[str, str]:
    """Use the simulated Twilio."""
    return environ | {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_BASE_URL": twilio.url}
