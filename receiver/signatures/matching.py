"""Finds the key that a signature was made with.

The algorithm is the SDK's `compute_signature`. The SDK's `validate` is not used: with some types of
arguments it raises, or doesn't check the body's hash.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from hmac import compare_digest
from typing import Literal

from twilio.request_validator import RequestValidator

from receiver.runtime.errors import ReceiverError
from receiver.settings.keys import SigningKey

Reason = Literal[
    "no_signature",  # the header is missing or empty
    "malformed_settings",  # the settings header isn't key=…,algorithm=…
    "unsupported_algorithm",  # it names an algorithm other than HMAC_SHA256
    "unknown_key",  # no configured key could have signed this
    "no_body_hash",  # no bodySHA256 in the URL, and not a form
    "too_many_fields",  # a form of more than form.MAX_FIELDS
    "wrong_signature",  # signed with another secret, or another URL or form was signed
    "unknown_prefix",  # the path has a prefix that PUBLIC_URL_PREFIXES doesn't name
    "wrong_path",  # the path isn't written exactly as the route is
    "body_hash_mismatch",  # the URL was signed, but with another body
]


class SignatureError(ReceiverError):
    """It is not proved that Twilio sent the request; `reason` is a code that is safe to log."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def candidate_keys(keys: Sequence[SigningKey], settings: str | None) -> list[SigningKey]:
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

    Twilio adds one to the URL, which may already contain another. All are signed, so any may match.
    """
    parameters = (parameter.partition("=") for parameter in url.partition("?")[2].split("&"))

    return [value.lower() for name, _, value in parameters if name == "bodySHA256"]


def match(
    signature: str, keys: Sequence[SigningKey], texts: Iterable[str]
) -> tuple[SigningKey, str]:
    """Return the key and the text that `signature` was made from, or raise SignatureError.

    Each text is tried with all keys, so that the time doesn't reveal which key matched.
    """
    given = signature.encode("utf-8", "replace")
    # A lone surrogate can't be encoded, so it was never signed.
    with suppress(UnicodeEncodeError):
        for text in texts:
            matches = [key for key in keys if compare_digest(given, _signature(key, text))]
            if matches:
                return matches[0], text

    raise SignatureError("wrong_signature")


def _signature(key: SigningKey, text: str) -> bytes:
    computed: str = RequestValidator(key.secret).compute_signature(text, {}, key.algorithm)

    return computed.encode("ascii")
