"""Checks whether Twilio signed a request, from values alone.

The algorithm is the SDK's `compute_signature`. The policy is ours: the SDK's `validate` skips the
check of the body's hash, or raises, for some types of argument.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Literal

from twilio.request_validator import RequestValidator

from receiver.runtime.errors import ReceiverError
from receiver.settings.keys import SigningKey
from receiver.signatures import form
from receiver.signatures.url import spellings

Reason = Literal[
    "no_signature",  # the header is missing or empty
    "malformed_settings",  # the settings header isn't key=…,algorithm=…
    "unsupported_algorithm",  # it names another algorithm than HMAC_SHA256
    "unknown_key",  # no configured key could have signed this
    "no_body_hash",  # no bodySHA256 in the URL, and not a form
    "too_many_fields",  # a form of more than form.MAX_FIELDS
    "wrong_signature",  # no key gives this signature: another secret, URL or form was signed
    "body_hash_mismatch",  # the URL is signed, this body isn't
]


class SignatureError(ReceiverError):
    """The request isn't proved to be Twilio's; `reason` is a code that is safe to log."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the signature covers, without the body; None is a header that is missing."""

    url: str  # as Twilio called it
    signature: str | None  # X-Twilio-Signature
    settings: str | None  # X-Twilio-Webhooks-Signature-Settings
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """A body that Twilio signed, and the key that proves it.

    `digest` (32 bytes) is the SHA-256 of the body, or of a form's signed text. Either way a
    replayed signature can't make more digests than Twilio signed.
    """

    request: SignedRequest
    key: SigningKey
    body: bytes
    digest: bytes
    is_form: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A request before its body is read, with the keys that may have signed it.

    `is_proved` says that the signature is right for the URL, which carries the body's hash. A
    form's signature covers its fields, so a form is never proved before it is read.
    """

    request: SignedRequest
    keys: Sequence[SigningKey]
    is_proved: bool

    def bind(self, body: bytes) -> Verified:
        """Return the body with the key that signed it, or raise SignatureError."""
        return self._bind_bytes(body) if self.is_proved else self._bind_form(body)

    def _bind_bytes(self, body: bytes) -> Verified:
        digest = sha256(body)
        # Not secret: the sender knows both hashes.
        if digest.hexdigest() not in body_hashes(self.request.url):
            raise SignatureError("body_hash_mismatch")

        return Verified(self.request, self.keys[0], body, digest.digest(), is_form=False)

    def _bind_form(self, body: bytes) -> Verified:
        try:
            fields = form.signed_fields(body)
        except ValueError:
            raise SignatureError("too_many_fields") from None
        texts = (spelling + fields for spelling in spellings(self.request.url))
        key, text = _match(self.request.signature or "", self.keys, texts)

        # The signed text has no separator between the URL and the fields. So a JSON callback's URL,
        # cut before its bodySHA256, would verify with the rest as a field. And one form can be cut
        # into fields in many ways, which must not give as many digests.
        if body_hashes(text):
            raise SignatureError("body_hash_mismatch")
        digest = sha256(f"{form.MEDIA_TYPE}\n{text}".encode()).digest()

        return Verified(self.request, key, body, digest, is_form=True)


def authenticate(request: SignedRequest, keys: Sequence[SigningKey]) -> Claim:
    """Check all that can be checked before the body is read, or raise SignatureError.

    The body's hash in the URL decides what is signed, not the content type: otherwise a JSON
    callback's signature would verify any form that parses to no fields.
    """
    if not request.signature:
        raise SignatureError("no_signature")
    candidates = _candidate_keys(keys, request.settings)
    if body_hashes(request.url):
        key, _ = _match(request.signature, candidates, spellings(request.url))
        return Claim(request, [key], is_proved=True)
    if form.is_form(request.content_type):
        return Claim(request, candidates, is_proved=False)

    raise SignatureError("no_body_hash")


def verify(request: SignedRequest, keys: Sequence[SigningKey], body: bytes) -> Verified:
    """Return the body with the key that signed it, or raise SignatureError."""
    return authenticate(request, keys).bind(body)


def signer(request: SignedRequest, keys: Sequence[SigningKey]) -> SigningKey:
    """Return the key that signed the URL of a request, or raise SignatureError.

    This proves nothing about a body: only `verify` compares its hash.
    """
    candidates = _candidate_keys(keys, request.settings)

    return _match(request.signature or "", candidates, spellings(request.url))[0]


def _candidate_keys(keys: Sequence[SigningKey], settings: str | None) -> list[SigningKey]:
    """Return the keys that may have signed: the one that `settings` names, or all auth tokens."""
    if settings is None or not settings.strip():
        candidates = [key for key in keys if key.algorithm == "HMAC_SHA1"]
    else:
        key_id = _shared_key_id(settings)
        candidates = [key for key in keys if key.algorithm == "HMAC_SHA256" and key.id == key_id]
    if not candidates:
        raise SignatureError("unknown_key")

    return candidates


def _shared_key_id(settings: str) -> str:
    parts = [part.partition("=") for part in settings.split(",")]
    named = {name.strip(): value.strip() for name, _, value in parts}
    if len(named) < len(parts) or not named.get("key") or not named.get("algorithm"):
        raise SignatureError("malformed_settings")
    if named["algorithm"] != "HMAC_SHA256":
        raise SignatureError("unsupported_algorithm")

    return named["key"]


def body_hashes(url: str) -> list[str]:
    """Return every `bodySHA256` of a URL's query, in lower case.

    Twilio adds its own to what was there. All of them are signed, so any may match.
    """
    parameters = (parameter.partition("=") for parameter in url.partition("?")[2].split("&"))

    return [value.lower() for name, _, value in parameters if name == "bodySHA256"]


def _match(
    signature: str, keys: Sequence[SigningKey], texts: Iterable[str]
) -> tuple[SigningKey, str]:
    """Return the key and the text that give `signature`, or raise SignatureError.

    All are tried, so that the time doesn't reveal which key matched.
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
