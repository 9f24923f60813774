"""Fixtures: browsers of the console."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.console import Browser
from tests.support.environment import ENVIRON


@pytest.fixture
def environ(migrated: str) -> dict[str, str]:
    """Return the environment of a deployment with keys for the console."""
    keys = "ops:ops-secret:console,reader:reader-secret,writer:writer-secret:write"

    return {**ENVIRON, "DATABASE_URL": migrated, "API_KEYS": keys}


@pytest.fixture
def stranger(client: FlaskClient) -> Browser:
    """Return a browser that isn't signed in."""
    return Browser(client)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Return a browser that is signed in with the key `ops`."""
    browser = Browser(app.test_client())
    assert browser.sign_in("ops", "ops-secret").status_code == 303

    return browser
