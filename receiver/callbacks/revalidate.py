"""Judging anew what was verified when it came: by today's code, keys and settings."""

from collections.abc import Sequence
from dataclasses import replace

from receiver.events.validate import validate
from receiver.settings.keys import ACCOUNT_SID, SigningKey
from receiver.signatures.signature import SignatureError, SignedRequest, verify
from receiver.store.event import Event


def revalidate(event: Event, keys: Sequence[SigningKey]) -> Event:
    """Return the event as it is judged now. It raises nothing.

    A key that has been rotated away takes nothing back: the signature was right when it came.
    """
    key_id, account = _signer(event, keys)
    came = replace(event, job_id=None, account_id=None, head=None, reason=None, detail=None)

    return validate(replace(came, key_id=key_id), account)


def _signer(event: Event, keys: Sequence[SigningKey]) -> tuple[str | None, str | None]:
    """Return the id of the key that signed, and the account that it is bound to, if it is."""
    signed = SignedRequest(
        event.url or "", event.signature, event.signature_settings, event.content_type
    )
    try:
        key = verify(signed, keys, lambda **_: event.body).key
    except SignatureError:
        # A key that is bound has its account's SID for its id.
        bound = event.key_id is not None and ACCOUNT_SID.fullmatch(event.key_id)
        return event.key_id, event.key_id if bound else None

    return key.id, key.account
