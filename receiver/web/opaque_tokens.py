"""Opaque texts for a URL that contain a JSON document with a version: cursors and page tokens."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from receiver.runtime.errors import SafeMessageError


class NewerTokenError(SafeMessageError):
    """A newer release made the token, and was rolled back since."""


def encode_token(document: Mapping[str, Any]) -> str:
    """Return the document as text."""
    encoded = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    return base64.urlsafe_b64encode(encoded).decode().rstrip("=")


def decode_token(text: str, *, version_member: str, version: int) -> Any:
    """Return the document, which may be any JSON; raises NewerTokenError.

    Raises ValueError if it isn't base64, UTF-8 or JSON, is nested too deeply, or has a number with
    too many digits.
    """
    padded = text + "=" * (-len(text) % 4)
    try:
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    found = document.get(version_member) if isinstance(document, dict) else None
    if type(found) is int and found > version:
        raise NewerTokenError("a newer release of this service made it; start again without it")

    return document
