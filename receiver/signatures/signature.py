"""Verifies requests in two steps: `authenticate` before the body is read, `Claim.bind` after."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from receiver.settings.keys import SigningKey
from receiver.signatures import form
from receiver.signatures.matching import SignatureError, body_hashes, candidate_keys, match
from receiver.signatures.url import spellings


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

    `digest` (32 bytes) is the SHA-256 of the body, or of a form's signed text. In both cases, a
    replayed signature can't produce more digests than Twilio signed.
    """

    request: SignedRequest
    key: SigningKey
    body: bytes
    digest: bytes
    is_form: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A request before its body is read, with the keys that may have signed it.

    `body_hashes` are in its URL, for which the signature is right. A form has none.
    """

    request: SignedRequest
    keys: Sequence[SigningKey]
    body_hashes: Sequence[str] = ()

    @property
    def is_proved(self) -> bool:
        """Whether the signature is right for the URL, which contains the body's hash.

        A form's signature covers its fields, so a form is never proved before it is read.
        """
        return bool(self.body_hashes)

    def bind(self, body: bytes) -> Verified:
        """Return the body with the key that signed it, or raise SignatureError."""
        return self._bind_bytes(body) if self.is_proved else self._bind_form(body)

    def _bind_bytes(self, body: bytes) -> Verified:
        digest = sha256(body)
        # A plain comparison is safe: the sender knows both hashes.
        if digest.hexdigest() not in self.body_hashes:
            raise SignatureError("body_hash_mismatch")

        return Verified(self.request, self.keys[0], body, digest.digest(), is_form=False)

    def _bind_form(self, body: bytes) -> Verified:
        try:
            fields = form.signed_fields(body)
        except ValueError:
            raise SignatureError("too_many_fields") from None
        texts = (spelling + fields for spelling in spellings(self.request.url))
        key, text = match(self.request.signature or "", self.keys, texts)

        # The signed text has no separator between the URL and the fields. So a JSON callback's URL,
        # cut before its bodySHA256, would verify with the rest as a field. And one form can be cut
        # into fields in many ways, which must not produce different digests.
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
    candidates = candidate_keys(keys, request.settings)
    if hashes := body_hashes(request.url):
        key, _ = match(request.signature, candidates, spellings(request.url))
        return Claim(request, [key], hashes)
    if form.is_form(request.content_type):
        return Claim(request, candidates)

    raise SignatureError("no_body_hash")


def verify(request: SignedRequest, keys: Sequence[SigningKey], body: bytes) -> Verified:
    """Return the body with the key that signed it, or raise SignatureError."""
    return authenticate(request, keys).bind(body)


def signer(request: SignedRequest, keys: Sequence[SigningKey]) -> SigningKey:
    """Return the key that signed the URL of a request, or raise SignatureError.

    This proves nothing about a body: only `verify` compares its hash.
    """
    candidates = candidate_keys(keys, request.settings)

    return match(request.signature or "", candidates, spellings(request.url))[0]
