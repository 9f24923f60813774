"""Accepts rejected requests that verify with the current settings."""

from functools import partial
from typing import Any

from sqlalchemy import Engine, Row

from receiver.events.validate import validate
from receiver.rejected.rebuild import rebuild_signed_request
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.settings.config import Settings
from receiver.signatures.route import require_callback_url
from receiver.signatures.signature import verify
from receiver.store.event import Event
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from receiver.store.rejected.write import remove_rejected


def verified_event(row: Row[Any], settings: Settings) -> Event:
    """Return the request's event, validated, with the time at which it was received.

    Raises SignatureError if the request doesn't verify with these settings.
    """
    public_url, prefixes = settings.public_url, settings.public_url_prefixes
    signed = rebuild_signed_request(row, public_url)
    verified = verify(signed, settings.signing_keys, row.body)
    require_callback_url(signed.url, public_url, prefixes)

    return validate(
        verified,
        received_at=row.received_at,
        idempotency_token=row.headers.get("I-Twilio-Idempotency-Token"),
    )


def accept(engine: Engine, row: Row[Any], settings: Settings) -> Recorded:
    """Record a request that verifies now, then remove it from the rejected requests.

    After a crash between the two steps it can be accepted again: the ledger recognizes its body.
    Raises SignatureError, or DatabaseUnavailableError if the database doesn't record it.
    """
    recorded = record_or_quarantine(
        partial(record, engine), verified_event(row, settings), Deadline(REQUEST_SECONDS)
    )
    with engine.connect() as connection:
        remove_rejected(connection, row.id)

    return recorded
