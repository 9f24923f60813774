"""Fixtures: a Twilio that answers what a test says, and the client that asks it."""

from collections.abc import Iterator

import pytest

from receiver.twilio.client import Twilio, open_twilio
from tests.support.scripted import Scripted, scripted


@pytest.fixture
def there() -> Iterator[Scripted]:
    """Yield the server."""
    with scripted() as twilio:
        yield twilio


@pytest.fixture
def rest(there: Scripted) -> Iterator[Twilio]:
    """Yield the client."""
    with open_twilio(there.settings()) as twilio:
        yield twilio
