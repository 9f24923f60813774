"""What came and was verified, as an event that is yet to be judged."""

from datetime import datetime

from receiver.signatures.signature import SignedRequest, Verified
from receiver.store.event import Event
from schemas.storable import is_storable


def callback_event(
    signed: SignedRequest,
    verified: Verified,
    *,
    received_at: datetime,
    idempotency_token: str | None,
) -> Event:
    """Return the event of a request whose signature is right; the token is its header's."""
    return Event(
        sha256=verified.digest,
        source="callback",
        body=verified.body,
        received_at=received_at,
        job_id=None,
        account_id=None,
        content_type=_storable(signed.content_type, 256),
        idempotency_token=_storable(idempotency_token, 256),
        key_id=verified.key.id,
        url=_storable(signed.url),
        signature=_storable(signed.signature),
        signature_settings=_storable(signed.settings),
    )


def _storable(value: str | None, length: int | None = None) -> str | None:
    """Return what Postgres can keep of a header's value, cut to what is worth keeping."""
    return value[:length] if value and is_storable(value) else None
