"""Taking what was rejected, once it verifies: by today's settings, and never otherwise."""

from functools import partial
from typing import Any

from sqlalchemy import Engine, Row

from receiver.events.validate import validate
from receiver.rejected.signed import as_signed
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.settings.config import Settings
from receiver.signatures.signature import verify
from receiver.store.event import Event
from receiver.store.ledger.record import Recorded, record, record_or_quarantine
from receiver.store.rejected.write import remove_rejected


def verified_event(row: Row[Any], settings: Settings) -> Event:
    """Return the event that the request would have been, had it come today, but for its time.

    Raises SignatureError.
    """
    verified = verify(as_signed(row, settings.public_url), settings.signing_keys, row.body)

    return validate(
        verified,
        received_at=row.received_at,
        idempotency_token=row.headers.get("I-Twilio-Idempotency-Token"),
    )


def accept(engine: Engine, row: Row[Any], settings: Settings) -> Recorded:
    """Record a request that verifies today, then remove it from the rejected ones.

    After a crash in between it can be accepted once more: the ledger knows it by its body. Raises
    SignatureError; DatabaseUnavailableError if the database doesn't take it.
    """
    recorded = record_or_quarantine(
        partial(record, engine), verified_event(row, settings), Deadline(REQUEST_SECONDS)
    )
    with engine.connect() as connection:
        remove_rejected(connection, row.id)

    return recorded
