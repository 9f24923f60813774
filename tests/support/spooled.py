"""A spool in its own folder, and callbacks for it."""

import json
from pathlib import Path

import pytest

from receiver.spool.folder import Spool
from tests.support.callback_events import received_event
from tests.support.samples import COMPLETED


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Return a spool whose folder doesn't exist yet."""
    return Spool(tmp_path / "spool", durable=True)


def spooled_body(number: int) -> bytes:
    """Return a callback of its own job."""
    return json.dumps(json.loads(COMPLETED) | {"id": f"job_{number}"}).encode()


def spool_callbacks(spool: Spool, *bodies: bytes) -> None:
    """Spool the bodies as received."""
    for body in bodies:
        spool.put(received_event(body))
