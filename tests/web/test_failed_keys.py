"""Tests that wrong API keys are limited and logged, and that valid ones never are."""

import logging
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from receiver.runtime.failure_limiter import MAX_FAILURES, WINDOW_SECONDS
from tests.support.environment import ENVIRON, KEY, close_app
from tests.support.stored_callbacks import json_of

# A valid key gets a 404 for this id without a query.
PATH = "/v3/Transcriptions/no.such.id"
SECRET = "zQ9guessed"


@pytest.fixture
def prober() -> Iterator[FlaskClient]:
    """Yield a client of a service without a database."""
    app = create_app(ENVIRON)
    yield app.test_client()
    close_app(app)


def _guess(client: FlaskClient, **headers: str) -> TestResponse:
    return client.get(PATH, auth=("reader", SECRET), headers=headers)


def test_wrong_keys_are_limited_and_valid_ones_are_not(prober: FlaskClient) -> None:
    """After too many wrong keys the next ones get a 429, and a valid key is accepted all along."""
    statuses = []
    for _ in range(MAX_FAILURES + 5):
        statuses.append(_guess(prober).status_code)
        assert prober.get(PATH, auth=KEY).status_code == 404
    assert statuses == [401] * MAX_FAILURES + [429] * 5
    refused = _guess(prober)
    assert json_of(refused)["code"] == 20429
    assert refused.content_type == "application/problem+json"
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW_SECONDS


def test_limit_ignores_headers_that_name_an_address(prober: FlaskClient) -> None:
    """A client can't evade the limit by a header that names another address."""
    for number in range(MAX_FAILURES):
        _guess(prober, **{"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for={number}"})
    assert _guess(prober, **{"X-Forwarded-For": "10.1.0.1"}).status_code == 429


def test_other_address_is_not_limited(prober: FlaskClient) -> None:
    """The failures of one address don't limit another one."""
    for _ in range(MAX_FAILURES + 1):
        _guess(prober)
    # At most one of these shares the slot of the first address, but for a negligible chance.
    statuses = [
        prober.get(PATH, auth=("a", "b"), environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}).status_code
        for n in range(8)
    ]
    assert 401 in statuses


def test_request_without_a_key_is_not_limited(prober: FlaskClient) -> None:
    """A request without credentials gets a 401 always: some clients send them only after that."""
    for _ in range(MAX_FAILURES + 1):
        _guess(prober)
    assert prober.get(PATH).status_code == 401


def test_wrong_keys_are_logged_twice_in_a_window(
    prober: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the address, and counts the failures that it doesn't show one by one."""
    for _ in range(3 * MAX_FAILURES):
        _guess(prober)
    first, limited = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert first.getMessage() == "wrong API key"
    assert limited.getMessage() == "too many wrong API keys, answering 429"
    assert [record.__dict__["unlogged"] for record in (first, limited)] == [0, MAX_FAILURES - 1]
    assert first.__dict__["address"] == "127.0.0.1"
    assert first.__dict__["route"] == "/v3/Transcriptions/<job_id>"
    assert not any(SECRET in str(record.__dict__) for record in caplog.records)
