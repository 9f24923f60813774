"""Fixtures: the application with the search on."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization

from tests.support.environment import KEY, changed_settings


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    """Yield a client with an API key of the application, whose search is on."""
    client = app.test_client()
    credentials = Authorization("bearer", token=KEY[1])
    client.environ_base["HTTP_AUTHORIZATION"] = credentials.to_header()
    with changed_settings(app, search=True):
        yield client
