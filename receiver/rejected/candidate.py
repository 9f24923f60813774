"""Whether a refused request may be a callback, and what is kept of it."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from marshmallow import ValidationError

from receiver.settings.urls import request_origin
from receiver.signatures.signature import body_hashes
from receiver.signatures.url import called_target
from receiver.store.rejected.write import RejectedRequest
from schemas.callback import Head, UndecodableError, decode
from schemas.storable import is_storable

# The refusals that a wrong setting can cause: another secret, another PUBLIC_URL, a key that is
# missing. No setting mends the others. Without a body's hash nothing binds the body; with another
# one's it isn't the body that was signed; and a settings header that is malformed, or names an
# algorithm that we don't know, is the sender's own.
MENDABLE = frozenset({"wrong_signature", "unknown_key"})

# The headers that tell how the request was called and signed, with their keys in a WSGI environ.
# Never Authorization or Cookie: they are secrets, and no part of what is signed.
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
_LONGEST_HEADER = 1024  # characters; none of Twilio's is a quarter of it, and a part says nothing

_HEAD = Head()


def may_be_callback(reason: str, environ: Mapping[str, Any]) -> bool:
    """Tell, before the body is read, whether a wrong setting may have refused a callback."""
    target = called_target(environ)

    return (
        reason in MENDABLE
        and "X-Twilio-Signature" in _headers(environ)
        and bool(body_hashes(target))
        and is_storable(target)
    )


def rejected_request(
    reason: str, environ: Mapping[str, Any], body: bytes, received_at: datetime
) -> RejectedRequest | None:
    """Return what is kept of the request, or None if the body isn't a callback of that URL's.

    The hash in the URL is no secret and shows nothing of the sender; but no body that lacks it
    could ever be shown to be Twilio's.
    """
    target = called_target(environ)
    if sha256(body).hexdigest() not in body_hashes(target):
        return None
    try:
        head = _HEAD.load(decode(body))
    except (UndecodableError, ValidationError):
        return None

    headers, origin = _headers(environ), request_origin(environ)

    return RejectedRequest(
        received_at=received_at,
        reason=reason,
        account_id=head["account_id"],
        job_id=head["id"],
        origin=origin,
        target=target,
        headers=headers,
        body=body,
        # Not of the body alone: a forgery of it must not stand in for the one that was signed.
        sha256=sha256(f"{headers['X-Twilio-Signature']}\n{origin}{target}".encode()).digest(),
    )


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that are kept, as far as Postgres can keep them."""
    came = {name: environ.get(key) or "" for name, key in _HEADERS.items()}

    return {
        name: value
        for name, value in came.items()
        if 0 < len(value) <= _LONGEST_HEADER and is_storable(value)
    }
