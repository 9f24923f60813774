"""A spool in its own folder, and callbacks for it."""

import json
from pathlib import Path

import pytest

from receiver.settings.config import load
from receiver.spool.folder import Spool
from receiver.spool.seal import Seal
from tests.support.callback_events import received_event
from tests.support.environment import ENVIRON
from tests.support.samples import COMPLETED

# The seal of a service with the settings ENVIRON. No signature verifies.
SEAL = Seal(load(ENVIRON).spool_keys, is_signed=lambda _: False)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Return a spool whose folder doesn't exist yet."""
    return Spool(tmp_path / "spool", durable=True, seal=SEAL)


def spooled_body(number: int) -> bytes:
    """Return a callback of its own job."""
    return json.dumps(json.loads(COMPLETED) | {"id": f"job_{number}"}).encode()


def spool_callbacks(spool: Spool, *bodies: bytes) -> None:
    """Spool the bodies as received."""
    for body in bodies:
        spool.put(received_event(body))
