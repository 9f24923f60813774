"""A spool in a folder of its own."""

from pathlib import Path

import pytest

from receiver.spool.folder import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Return a spool whose folder isn't there yet."""
    return Spool(tmp_path / "spool", durable=True)
