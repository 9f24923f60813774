"""The signature: whether Twilio sent these bytes, told from values alone.

The algorithm is the SDK's `compute_signature`. The policy is ours: its `validate` skips the body's
hash, or raises, depending on the type of what it is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, Protocol

from twilio.request_validator import RequestValidator

from receiver.runtime.errors import ReceiverError
from receiver.settings.keys import SigningKey
from receiver.signatures import form
from receiver.signatures.url import spellings

Reason = Literal[
    "no_signature",  # the header is missing or empty
    "malformed_settings",  # the settings header isn't key=…,algorithm=…
    "unsupported_algorithm",  # it names another algorithm than HMAC_SHA256
    "unknown_key",  # no key is configured that could have signed this
    "no_body_hash",  # no bodySHA256 in the URL, and not a form
    "too_many_fields",  # a form of more than form.MAX_FIELDS
    "wrong_signature",  # no key gives this signature: another secret, or another URL or form
    "body_hash_mismatch",  # the URL is signed, this body isn't
]


class SignatureError(ReceiverError):
    """The request isn't shown to be Twilio's; `reason` is a code, safe to log."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the signature speaks about, but for the body; None is a header that is missing."""

    url: str  # as Twilio called it
    signature: str | None  # X-Twilio-Signature
    settings: str | None  # X-Twilio-Webhooks-Signature-Settings
    content_type: str | None


class ReadBody(Protocol):
    """What reads the body of the request; what can go wrong is its own affair."""

    def __call__(self, *, proved: bool) -> bytes:
        """Return the raw bytes; `proved` tells whether the signature is known to be right."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A body that Twilio signed, and the key that shows it.

    `digest` (32 bytes) is the body's SHA-256, or for a form that of the string that was signed:
    either way no signature, however often it is replayed, makes more digests than Twilio signed.
    """

    key: SigningKey
    body: bytes
    digest: bytes


def verify(request: SignedRequest, keys: Sequence[SigningKey], read_body: ReadBody) -> Verified:
    """Return the body, the key that signed it and its digest, or raise SignatureError.

    `read_body` is called once at most. Where the URL carries the body's hash, it is called only
    after the HMAC was found right, with `proved` true. What it raises goes through.
    """
    if not request.signature:
        raise SignatureError("no_signature")
    able = _able(keys, request.settings)

    # The hash decides, not the content type: else a JSON callback's signature would carry any form
    # that parses to no fields.
    if body_hashes(request.url):
        return _verify_bytes(request.url, request.signature, able, read_body)
    if form.is_form(request.content_type):
        return _verify_form(request.url, request.signature, able, read_body(proved=False))

    raise SignatureError("no_body_hash")


def signer(request: SignedRequest, keys: Sequence[SigningKey]) -> SigningKey:
    """Return the key that signed the URL of a request, or raise SignatureError.

    It shows nothing yet of a body: only `verify` compares its hash.
    """
    return _match(request.signature or "", _able(keys, request.settings), spellings(request.url))[0]


def _able(keys: Sequence[SigningKey], settings: str | None) -> list[SigningKey]:
    """Return the keys that may have signed: the one that `settings` names, else all auth tokens."""
    if settings is None or not settings.strip():
        able = [key for key in keys if key.algorithm == "HMAC_SHA1"]
    else:
        key_id = _shared_key_id(settings)
        able = [key for key in keys if key.algorithm == "HMAC_SHA256" and key.id == key_id]
    if not able:
        raise SignatureError("unknown_key")

    return able


def _shared_key_id(settings: str) -> str:
    parts = [part.partition("=") for part in settings.split(",")]
    named = {name.strip(): value.strip() for name, _, value in parts}
    if len(named) < len(parts) or not named.get("key") or not named.get("algorithm"):
        raise SignatureError("malformed_settings")
    if named["algorithm"] != "HMAC_SHA256":
        raise SignatureError("unsupported_algorithm")

    return named["key"]


def _verify_bytes(
    url: str, signature: str, keys: list[SigningKey], read_body: ReadBody
) -> Verified:
    key, _ = _match(signature, keys, spellings(url))
    body = read_body(proved=True)
    digest = sha256(body)
    if digest.hexdigest() not in body_hashes(url):  # no secret: the sender knows both
        raise SignatureError("body_hash_mismatch")

    return Verified(key, body, digest.digest())


def _verify_form(url: str, signature: str, keys: list[SigningKey], body: bytes) -> Verified:
    try:
        fields = form.signed_fields(body)
    except ValueError:
        raise SignatureError("too_many_fields") from None
    key, text = _match(signature, keys, (spelling + fields for spelling in spellings(url)))

    # No seam shows in `text` where the URL ends and each field begins. So a JSON callback's URL,
    # cut before its bodySHA256, verifies with the rest as a field; and one form can be cut into
    # fields in endless ways, which must not be as many digests.
    if body_hashes(text):
        raise SignatureError("body_hash_mismatch")

    return Verified(key, body, sha256(f"{form.MEDIA_TYPE}\n{text}".encode()).digest())


def body_hashes(url: str) -> list[str]:
    """Return every `bodySHA256` of a URL's query, since Twilio adds its own to what was there.

    Any of them will do: all are signed. They are in lower case.
    """
    parameters = (parameter.partition("=") for parameter in url.partition("?")[2].split("&"))

    return [value.lower() for name, _, value in parameters if name == "bodySHA256"]


def _match(
    signature: str, keys: Sequence[SigningKey], texts: Iterable[str]
) -> tuple[SigningKey, str]:
    """Return the key and the text that `signature` was made of, or raise SignatureError.

    All are tried, so that the time it takes doesn't tell which key it was.
    """
    given = signature.encode("utf-8", "replace")
    try:
        matches = [
            (key, text)
            for text in texts
            for key in keys
            if compare_digest(given, _signature(key, text))
        ]
    except UnicodeEncodeError:  # a lone surrogate has no bytes that could have been signed
        matches = []
    if not matches:
        raise SignatureError("wrong_signature")

    return matches[0]


def _signature(key: SigningKey, text: str) -> bytes:
    computed: str = RequestValidator(key.secret).compute_signature(text, {}, key.algorithm)

    return computed.encode("ascii")
