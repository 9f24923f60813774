"""Validates a stored callback again, with the current code, keys and settings."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from receiver.events.proof import signed_request_of
from receiver.events.validate import validate_callback
from receiver.settings.keys import SigningKey, bound_account
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import verify
from receiver.store.event import Event


def revalidate(event: Event, keys: Sequence[SigningKey]) -> Event:
    """Return the event as it is validated now; it never raises.

    Its signature was right when it was received, so no current key is needed.
    """
    key_id, account = _signer(event, keys)
    received = replace(
        event, key_id=key_id, job_id=None, account_id=None, head=None, reason=None, detail=None
    )
    # A form's digest is that of its signed text, not of its bytes. The stored content type proves
    # nothing: a proxy, or the sender of a replayed request, may have changed it.
    is_form = sha256(event.body).digest() != event.sha256

    return validate_callback(received, account, is_form=is_form)


def _signer(event: Event, keys: Sequence[SigningKey]) -> tuple[str | None, str | None]:
    """Return the stored id of the key that signed it, and the account that the key is bound to."""
    try:
        key = verify(signed_request_of(event), keys, event.body).key
    except SignatureError:
        return event.key_id, bound_account(event.key_id)

    return key.stored_id, key.account
