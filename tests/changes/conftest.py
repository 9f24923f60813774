"""Fixtures: consumers of the feed."""

import pytest
from flask.testing import FlaskClient

from tests.support.consumer import Consumer


@pytest.fixture
def consumer(client: FlaskClient) -> Consumer:
    """Return a consumer that starts at the beginning."""
    return Consumer(client)
