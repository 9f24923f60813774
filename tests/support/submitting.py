"""Requests to POST /v3/Transcriptions, and the application that receives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from receiver.runtime.deadline import REQUEST_SECONDS
from tests.support.environment import close_app
from tests.support.samples import ACCOUNT

READER = ("reader", "reader-secret")
WRITER = ("writer", "writer-secret")
SETTINGS = {
    "API_KEYS": "reader:reader-secret,writer:writer-secret:write",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
}


@contextmanager
def open_app(
    environ: dict[str, str], url: str, *, request_seconds: float = REQUEST_SECONDS
) -> Iterator[Flask]:
    """Yield the application, which calls Twilio at this URL."""
    app = create_app(environ | {"TWILIO_BASE_URL": url}, request_seconds=request_seconds)
    try:
        yield app
    finally:
        close_app(app)


def create(
    client: FlaskClient,
    document: Any,
    *,
    key: str | None = None,
    auth: tuple[str, str] | None = WRITER,
) -> TestResponse:
    """Request a transcription."""
    headers = {"Idempotency-Key": key} if key is not None else {}

    return client.post("/v3/Transcriptions", json=document, headers=headers, auth=auth)
