"""What Twilio answered enters the ledger as a callback does: with its bytes, whatever they are."""

import hashlib
import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from marshmallow import ValidationError
from sqlalchemy import Engine

from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.runtime.errors import locate
from receiver.store.event import Event
from receiver.store.ledger.record import Recorded, record
from receiver.store.retry import DatabaseUnavailableError, retry_until
from schemas.callback import Head, UndecodableError, decode
from schemas.storable import Identifier

logger = logging.getLogger(__name__)

Source = Literal["submission", "fetch", "conversation"]

_HEAD = Head()
_IDENTIFIER = Identifier()


def record_response(engine: Engine, event: Event, *, deadline: Deadline | None = None) -> Recorded:
    """Record what Twilio told of a job, and return what the ledger says of it.

    What can't be used is quarantined with a reason, as a callback is; nothing about the document
    raises. Raises store.retry.DatabaseUnavailableError if the database didn't keep it by the
    deadline, which is
    by default as long as a request has.
    """
    until_when = deadline or Deadline(REQUEST_SECONDS)
    try:
        return retry_until(until_when, lambda: record(engine, event))
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        if event.head is None:
            raise
        logger.error("recording failed: %s", locate(error))  # noqa: TRY400 - no text of its own
        fallen = replace(
            event,
            head=None,
            reason="unstorable",
            detail=f"{type(error).__name__} while recording it.",
        )
        return retry_until(until_when, lambda: record(engine, fallen))


def event_of(source: Source, document: bytes, at: datetime) -> Event:
    """Return the event of a document: applicable, or quarantined with the reason.

    The document is the job's own or its envelope.
    Its digest is that of the source and of the canonical document, so that neither a repeated
    answer nor another order of its members makes another event, and none is a callback's.
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
    try:
        told = decode(document)
    except UndecodableError as error:
        return replace(event, reason="undecodable", detail=f"The body is {error}.")
    claimed = replace(event, job_id=_claim(told, "id"), account_id=_claim(told, "accountId"))
    try:
        return replace(claimed, head=_HEAD.load(told))
    except ValidationError as error:
        faults = sorted(error.messages_dict.items())
        detail = " ".join(f"{member}: {' '.join(texts)}" for member, texts in faults)
        return replace(claimed, reason="invalid", detail=detail)


def _digest(source: str, document: bytes) -> bytes:
    try:
        canonical = json.dumps(decode(document), sort_keys=True, separators=(",", ":")).encode()
    except (UndecodableError, RecursionError):
        canonical = document

    return hashlib.sha256(source.encode() + b"\n" + canonical).digest()


def _claim(told: dict[str, Any], member: str) -> str | None:
    """Return the id that the document claims, if it is one: it lets the operator find it."""
    try:
        return _IDENTIFIER.deserialize(told.get(member))
    except ValidationError:
        return None
