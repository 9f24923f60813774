"""Signed requests as the signature check receives them, and the keys that sign them."""

from receiver.settings.keys import SigningKey
from receiver.signatures.matching import SignatureError
from receiver.signatures.signature import SignedRequest, Verified, verify
from tests.support import signing

URL = "https://app.example.com/callbacks/transcription"
JSON = "application/json"
TOKEN = SigningKey("auth-token-1", "old-token", "HMAC_SHA1")
NEW_TOKEN = SigningKey("auth-token-2", "new-token", "HMAC_SHA1")
SHARED = SigningKey("webhooks_sharedkey_1", "old-secret", "HMAC_SHA256")
NEW_SHARED = SigningKey("webhooks_sharedkey_2", "new-secret", "HMAC_SHA256")
KEYS = [TOKEN, NEW_TOKEN, SHARED, NEW_SHARED]

Fields = list[tuple[str, str]]


def settings_header(key: SigningKey) -> str | None:
    """Return the settings header for `key`: it names a SharedKey only."""
    return f"key={key.id},algorithm={key.algorithm}" if key.algorithm == "HMAC_SHA256" else None


def signed_json(body: bytes, key: SigningKey = TOKEN, *, url: str = URL) -> SignedRequest:
    """Return a JSON callback to `url`, signed by `key` and bound to `body`."""
    called = signing.with_body_hash(url, body)
    signature = signing.sign(called, key.secret, algorithm=key.algorithm)

    return SignedRequest(called, signature, settings_header(key), JSON)


def signed_form(fields: Fields, key: SigningKey = TOKEN, *, url: str = URL) -> SignedRequest:
    """Return a form's callback to `url`, signed by `key`."""
    signature = signing.sign(url, key.secret, form=fields, algorithm=key.algorithm)

    return SignedRequest(url, signature, settings_header(key), signing.FORM)


def verify_outcome(request: SignedRequest, body: bytes, *keys: SigningKey) -> Verified | str:
    """Return the result of `verify`, or the reason of its error."""
    try:
        return verify(request, keys or KEYS, body)
    except SignatureError as error:
        return error.reason


def verified(request: SignedRequest, body: bytes) -> Verified:
    """Return the result of `verify`, which must not fail."""
    return verify(request, KEYS, body)
