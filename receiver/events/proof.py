"""The signature of an event that was received earlier, and whether it verifies now."""

from receiver.settings.config import Settings
from receiver.signatures.matching import SignatureError
from receiver.signatures.route import require_callback_url
from receiver.signatures.signature import SignedRequest, verify
from receiver.store.event import Event


def signed_request_of(event: Event) -> SignedRequest:
    """Return what the signature of a stored event covers besides the body."""
    return SignedRequest(
        event.url or "", event.signature, event.signature_settings, event.content_type
    )


def is_signed_callback(event: Event, settings: Settings) -> bool:
    """Return whether the event would be accepted as a callback if it was delivered now."""
    request = signed_request_of(event)
    try:
        require_callback_url(request.url, settings.public_url, settings.public_url_prefixes)
        verified = verify(request, settings.signing_keys, event.body)
    except SignatureError:
        return False

    return event.source == "callback" and event.sha256 == verified.digest
