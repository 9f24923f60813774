"""The event of a callback's body, before and after its validation."""

import hashlib
from datetime import UTC, datetime

from receiver.events.validate import validate_callback
from receiver.store.event import Event

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def received_event(
    body: bytes, *, at: datetime = NOON, content_type: str = "application/json"
) -> Event:
    """Return the event of a body that was received at the given time."""
    return Event(
        sha256=hashlib.sha256(body).digest(),
        source="callback",
        body=body,
        received_at=at,
        job_id=None,
        account_id=None,
        content_type=content_type,
        key_id="auth-token-1",
    )


def validated_event(body: bytes, *, at: datetime = NOON) -> Event:
    """Return the validated event of a body; its signing key is bound to no account."""
    return validate_callback(received_event(body, at=at), None, is_form=False)
