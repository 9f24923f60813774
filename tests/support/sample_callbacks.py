"""The sample callbacks, and the events that an application stored of them."""

import json
from typing import Any

from flask import Flask
from sqlalchemy import select

from receiver.services import services_of
from receiver.store.tables import events
from tests.support.paths import ROOT

SAMPLES = ROOT / "tests" / "samples"
COMPLETED = (SAMPLES / "completed_flat.json").read_bytes()
FAILED = (SAMPLES / "failed_flat.json").read_bytes()
ENVELOPE = (SAMPLES / "fetch_envelope.json").read_bytes()
JOB = json.loads(COMPLETED)["id"]
ACCOUNT = json.loads(COMPLETED)["accountId"]


def stored_events(app: Flask) -> list[Any]:
    """Return the rows of the ledger, oldest first."""
    with services_of(app).engine.connect() as connection:
        return list(connection.execute(select(events).order_by(events.c.id)).all())
