"""Tests of the log lines of callbacks: an alert needs no text of them."""

import logging

import pytest

from app import create_app
from tests.support.app import Twilio
from tests.support.environment import ENVIRON, close_app
from tests.support.stored_callbacks import callback


@pytest.mark.parametrize("request_seconds", [0.2])
@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [(b"{}", "wrong", 403), (b"x" * 3_000_000, None, 413), (callback("job"), None, 503)],
    ids=["wrong signature", "too large", "no database"],
)
def test_line_of_a_failed_callback_has_the_answer(
    caplog: pytest.LogCaptureFixture,
    request_seconds: float,
    body: bytes,
    secret: str | None,
    status: int,
) -> None:
    """The line of a callback that isn't stored has the status and the time of its answer."""
    app = create_app(ENVIRON, request_seconds=request_seconds)
    keys = {"secret": secret} if secret else {}
    response = Twilio(app.test_client()).call(body, **keys)
    close_app(app)
    assert response.status_code == status
    [line] = [
        record
        for record in caplog.records
        if record.name.startswith("receiver.callbacks.views") and record.levelno >= logging.WARNING
    ]
    assert vars(line)["answered"] == status
    assert 0 <= vars(line)["seconds"] < 10
    assert response.json
    assert response.json["instance"] == response.headers["X-Request-ID"]
