"""Events of Twilio's API responses: recorded as callbacks are, with their exact bytes."""

import hashlib
import json
from datetime import datetime
from functools import partial
from typing import Literal

from sqlalchemy import Engine

from receiver.events.validate import validate_document
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.event import Event
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from schemas.callback import UndecodableError, decode

Source = Literal["submission", "fetch", "conversation"]


def record_response(engine: Engine, event: Event, *, deadline: Deadline | None = None) -> Recorded:
    """Record an API response's event and return its ledger entry.

    The default deadline is that of a request. Raises receiver.store.retry.DatabaseUnavailableError
    at the deadline.
    """
    return record_or_quarantine(
        partial(record, engine), event, deadline or Deadline(REQUEST_SECONDS)
    )


def event_of(source: Source, document: bytes, at: datetime) -> Event:
    """Return the event of a response's document, with its head or quarantined with a reason.

    The document is the job or its envelope. The digest covers the source and the canonical
    document: a repeated response creates no new event, even if the order of its members differs. A
    response never has the digest of a callback.
    """
    event = Event(
        sha256=_digest(source, document),
        source=source,
        body=document,
        received_at=at,
        job_id=None,
        account_id=None,
        content_type="application/json",
    )

    return validate_document(event)


def _digest(source: str, document: bytes) -> bytes:
    try:
        canonical = json.dumps(decode(document), sort_keys=True, separators=(",", ":")).encode()
    except (UndecodableError, RecursionError):
        canonical = document

    return hashlib.sha256(source.encode() + b"\n" + canonical).digest()
