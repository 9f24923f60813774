"""Converts events to the rows that are the parameters of the statements in statements.py."""

from collections.abc import Sequence
from typing import Any

from receiver.store.event import Event, Outcome
from receiver.store.jobs.fold import FoldInput, fold, redact
from receiver.store.jsonb import UnencodableError, to_jsonb

# What the fold and the encoding raise for values that they can't use.
_VALUE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# What is stored of an erased event has none of these.
_ERASED_COLUMNS = (
    *("content_type", "idempotency_token"),
    *("url", "signature", "signature_settings", "detail"),
)


def fold_input(event: Event, head: dict[str, Any]) -> FoldInput:
    """Return the parts of an event that the fold uses, before the event is in the ledger."""
    return FoldInput(event.sha256, event.source, event.received_at, head)


def row_parameters(events: Sequence[Event], outcome: Outcome) -> dict[str, Any]:
    """Return the parameters of receiver.store.ledger.statements.

    These are the rows of the events, and the rows of their jobs, computed from these events only.
    No two events may have the same job. With the outcome ERASED, the rows have nothing personal.
    Raises UnencodableError if the values of an event make this impossible.
    """
    is_erased = outcome is Outcome.ERASED
    try:
        return {
            "jobs": to_jsonb(
                [
                    fold([fold_input(event, redact(event.head) if is_erased else event.head)])
                    for event in events
                    if event.head
                ]
            ),
            "events": to_jsonb([_row(event, outcome) for event in events]),
            "bodies": [None if is_erased else event.body for event in events],
        }
    except _VALUE_ERRORS as error:
        raise UnencodableError(type(error).__name__) from error


def keys_parameter(keys: Sequence[str]) -> dict[str, str]:
    """Return the parameter with the keys of tombstones, none of which contains a blank."""
    return {"keys": " ".join(keys)}


def lock_parameter(seconds: float) -> dict[str, str]:
    """Return the parameter that limits how long the statements wait for a locked job."""
    return {"lock_timeout": f"{seconds * 1000:.0f}ms"}


def _row(event: Event, outcome: Outcome) -> dict[str, Any]:
    """Return the event's row in the ledger, without its body."""
    row = {
        "sha256": event.sha256,
        "source": event.source,
        "job_id": event.job_id,
        "account_id": event.account_id,
        "head": event.head,
        "body_bytes": len(event.body),
        "content_type": event.content_type,
        "idempotency_token": event.idempotency_token,
        "key_id": event.key_id,
        "url": event.url,
        "signature": event.signature,
        "signature_settings": event.signature_settings,
        "received_at": event.received_at,
        "last_received_at": event.received_at,
        "deliveries": event.deliveries,
        "outcome": outcome,
        "reason": event.reason,
        "detail": event.detail,
    }
    if outcome is Outcome.ERASED:
        row |= {
            "head": redact(event.head or {}),
            **dict.fromkeys(_ERASED_COLUMNS),
        }

    return row
