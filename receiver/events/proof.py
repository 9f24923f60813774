"""Checks the signature of an event that was received earlier."""

from receiver.settings.config import Settings
from receiver.signatures.matching import SignatureError
from receiver.signatures.route import require_callback_url
from receiver.signatures.signature import SignedRequest, verify
from receiver.store.event import Event


def is_signed_callback(event: Event, settings: Settings) -> bool:
    """Return whether the event would be accepted as a callback if it was delivered now."""
    request = SignedRequest(
        event.url or "", event.signature, event.signature_settings, event.content_type
    )
    try:
        require_callback_url(request.url, settings.public_url, settings.public_url_prefixes)
        verified = verify(request, settings.signing_keys, event.body)
    except SignatureError:
        return False

    return event.source == "callback" and event.sha256 == verified.digest
