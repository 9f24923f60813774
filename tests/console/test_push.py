"""Tests of what the overview says of the endpoints of push."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import create_app
from receiver.store.engine import transactional
from tests.support.console import Browser
from tests.support.environment import close_app
from tests.support.pages import text_of
from tests.support.push_receiver import SECRET, PushReceiver


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Name an endpoint."""
    receiver = PushReceiver(secrets=[SECRET], url="https://orders.example.com/hook")

    return environ | receiver.environ()


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield an application that reads the endpoints anew for each page."""
    app = create_app(environ, metrics_seconds=0)
    yield app
    close_app(app)


def test_endpoint_that_lacks_changes_is_a_finding(browser: Browser, engine: Engine) -> None:
    """The overview names an endpoint that was never started, is behind, fails or is disabled."""

    def finding(*assignments: str) -> str:
        for assignment in assignments:
            with engine.connect() as connection:
                connection.execute(text(f"UPDATE push_endpoints SET {assignment}"))
        return text_of(browser.get().text)

    assert "Nothing was ever sent to orders" in finding()
    with engine.connect() as connection:
        connection.execute(
            text("INSERT INTO push_endpoints (name, caught_up_at) VALUES ('orders', now())")
        )
    assert "orders" not in finding()
    assert "orders is behind" in finding("caught_up_at = now() - interval '1 hour'")
    assert "failed: answered 503" in finding("failures = 1, last_error = 'answered 503'")
    assert "orders gets no changes" in finding("disabled_at = now()")


def test_endpoints_that_cannot_be_read_are_a_finding(browser: Browser, engine: Engine) -> None:
    """While the table of the endpoints is locked, the overview says only that it can't be read."""
    with transactional(engine).begin() as connection:
        connection.execute(text("LOCK TABLE push_endpoints"))
        page = text_of(browser.get().text)
    assert "The table push_endpoints can't be read" in page
    assert "Nothing was ever sent" not in page
