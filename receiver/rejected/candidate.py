"""Decides which rejected requests may be callbacks, and which parts of them are stored."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from marshmallow import ValidationError

from receiver.settings.urls import request_origin
from receiver.signatures.matching import body_hashes
from receiver.signatures.url import called_target
from receiver.store.rejected.write import RejectedRequest
from schemas.callback import UndecodableError, decode, load_head
from schemas.storable import is_storable

# The reasons that a wrong setting can cause: another secret, another PUBLIC_URL, a missing key, a
# path prefix that isn't named, or a path that is a part of PUBLIC_URL. No setting helps for the
# others. Without a hash in the URL, the signature doesn't cover the body. If the URL contains
# another hash, this body wasn't signed. And a malformed settings header or an unknown algorithm is
# the sender's fault.
FIXABLE_REASONS = frozenset({"wrong_signature", "unknown_key", "unknown_prefix", "wrong_path"})

# The headers that show how the request was called and signed, with their keys in a WSGI environ.
# Never Authorization or Cookie: they are secrets, and the signature doesn't cover them.
_HEADERS = {
    "Host": "HTTP_HOST",
    "X-Forwarded-Proto": "HTTP_X_FORWARDED_PROTO",
    "X-Forwarded-Host": "HTTP_X_FORWARDED_HOST",
    "X-Forwarded-Port": "HTTP_X_FORWARDED_PORT",
    "X-Forwarded-Prefix": "HTTP_X_FORWARDED_PREFIX",
    "Content-Type": "CONTENT_TYPE",
    "X-Twilio-Signature": "HTTP_X_TWILIO_SIGNATURE",
    "X-Twilio-Webhooks-Signature-Settings": "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS",
    "I-Twilio-Idempotency-Token": "HTTP_I_TWILIO_IDEMPOTENCY_TOKEN",
    "User-Agent": "HTTP_USER_AGENT",
}
# Twilio's headers are shorter than a quarter of this. A longer one is not stored, because a part of
# it is useless.
_MAX_HEADER_CHARACTERS = 1024


def may_be_callback(reason: str, environ: Mapping[str, Any]) -> bool:
    """Return whether a wrong setting may have rejected a callback; the body isn't read for this."""
    target = called_target(environ)

    return (
        reason in FIXABLE_REASONS
        and "X-Twilio-Signature" in _headers(environ)
        and bool(body_hashes(target))
        and is_storable(target)
    )


def to_rejected_request(
    reason: str, environ: Mapping[str, Any], body: bytes, received_at: datetime
) -> RejectedRequest | None:
    """Return the request to store, None if the body isn't a callback with the hash in the URL.

    Anybody can compute that hash, so it proves nothing about the sender. But without it, no key
    could ever prove that the body is Twilio's.
    """
    target = called_target(environ)
    if sha256(body).hexdigest() not in body_hashes(target):
        return None
    try:
        head = load_head(decode(body)).columns
    except (UndecodableError, ValidationError):
        return None

    headers, origin = _headers(environ), request_origin(environ)
    signed = f"{headers['X-Twilio-Signature']}\n{origin}{target}"

    return RejectedRequest(
        received_at=received_at,
        reason=reason,
        account_id=head["account_id"],
        job_id=head["id"],
        origin=origin,
        target=target,
        headers=headers,
        body=body,
        # Not only of the body: a forged request with the same body must not replace the signed
        # request.
        sha256=sha256(signed.encode()).digest(),
    )


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers to store, without those that Postgres can't store."""
    received = {name: environ.get(key) or "" for name, key in _HEADERS.items()}

    return {
        name: value
        for name, value in received.items()
        if 0 < len(value) <= _MAX_HEADER_CHARACTERS and is_storable(value)
    }
