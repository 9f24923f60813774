"""A body as it is after its signature was verified, and before it is judged."""

import hashlib
from datetime import UTC, datetime

from receiver.store.event import Event

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def arrived(body: bytes, *, at: datetime = NOON, content_type: str = "application/json") -> Event:
    """Return the event of a body that came at the given time."""
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
