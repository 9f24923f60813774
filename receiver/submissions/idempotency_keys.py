"""Idempotency keys: which ones are valid, and how new ones are made."""

import secrets
import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from receiver.store.jobs.gaps import RESUBMISSION_PREFIX
from schemas.submission import canonical

_MAX_CHARACTERS = 128  # Twilio's limit
KEY_RULE = (
    f"must have 1 to {_MAX_CHARACTERS} printable ASCII characters, and must not begin with "
    f"{RESUBMISSION_PREFIX}, which is reserved for the service."
)


def is_idempotency_key(text: str) -> bool:
    """Return whether a client's text is a valid key by KEY_RULE, without surrounding spaces."""
    return (
        0 < len(text) <= _MAX_CHARACTERS
        and text.isascii()
        and text.isprintable()
        and text == text.strip()
        and not text.startswith(RESUBMISSION_PREFIX)
    )


def uuid7() -> str:
    """Return a new UUID of version 7 (RFC 9562): the time in ms and 74 random bits."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62

    return str(UUID(int=bits))


def key_of(request: Mapping[str, Any]) -> str:
    """Return the key that is computed from the request itself (UUID v5)."""
    return str(
        uuid5(NAMESPACE_URL, f"https://voice.twilio.com/v3/Transcriptions {canonical(request)}")
    )
