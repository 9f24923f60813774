"""Callbacks stored as if their signature had just been verified, and the API's answers."""

import json
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine, select, text
from werkzeug.test import TestResponse

from receiver.services import services_of
from receiver.store.event import Outcome
from receiver.store.ledger.record import record
from receiver.store.tables import events, metadata
from tests.support.callback_events import NOON, validated_event
from tests.support.samples import ACCOUNT


def callback(job: str, **members: Any) -> bytes:
    """Return the body of a callback."""
    return json.dumps({"id": job, "accountId": ACCOUNT, "status": "completed", **members}).encode()


def record_callback(engine: Engine, body: bytes, *, at: datetime = NOON) -> Outcome:
    """Record the body as a callback that was received at the given time."""
    return record(engine, validated_event(body, at=at)).outcome


def stored_events(app: Flask) -> list[Any]:
    """Return the rows of the ledger, oldest first."""
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(events).order_by(events.c.id)).all())


def json_of(response: TestResponse) -> dict[str, Any]:
    """Return the JSON document of the response."""
    document: dict[str, Any] = json.loads(response.data)

    return document


def truncate(engine: Engine) -> None:
    """Delete all stored rows."""
    with engine.connect() as connection:
        names = ", ".join(name for name in metadata.tables if name != "erasure_key")
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
