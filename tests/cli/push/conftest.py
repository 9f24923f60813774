"""Fixtures: a receiver of push, and the settings that name it."""

from collections.abc import Iterator

import pytest

from tests.support.push_receiver import PushReceiver, serve_push_receiver


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    """Yield the receiver."""
    with serve_push_receiver() as receiver:
        yield receiver


@pytest.fixture
def environ(environ: dict[str, str], receiver: PushReceiver) -> dict[str, str]:
    """Name the receiver `orders`."""
    return environ | receiver.environ()
