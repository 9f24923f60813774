"""Fixtures: a Twilio with scripted responses, and a client of it."""

from collections.abc import Iterator

import pytest

from receiver.twilio.client import Twilio, open_twilio
from tests.support.scripted import Scripted, scripted


@pytest.fixture
def scripted_twilio() -> Iterator[Scripted]:
    """Yield the server."""
    with scripted() as twilio:
        yield twilio


@pytest.fixture
def twilio_client(scripted_twilio: Scripted) -> Iterator[Twilio]:
    """Yield the client."""
    with open_twilio(scripted_twilio.settings()) as twilio:
        yield twilio
