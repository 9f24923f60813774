"""The cookie that signs a browser in to the console. Nothing is stored at the server.

The cookie is signed with a key that is derived from the API key's secret. So every session of an
API key ends when its secret changes, or when it loses the scope `console`.
"""

import hmac
import re
from collections.abc import Iterable

from receiver.settings.keys import ApiKey

# Browsers accept this prefix only with Secure, Path=/ and no Domain. So no other host sets it.
COOKIE = "__Host-receiver"
SESSION_SECONDS = 12 * 60 * 60

_PURPOSE = b"transcription receiver: session of the console"
_SESSION = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")


def make_session(api_key: ApiKey, expires_at: int) -> str:
    """Return the cookie's value; it signs in until that Unix time."""
    return f"{expires_at}.{_sign(api_key, expires_at)}"


def find_session(cookie: str, keys: Iterable[ApiKey], *, at: float) -> ApiKey | None:
    """Return the API key whose session this is, None if it is invalid or has expired.

    The time that it takes reveals nothing about the signature.
    """
    parts = _SESSION.fullmatch(cookie)
    expires_at, signature = (int(parts[1]), parts[2]) if parts else (0, "")
    match = None
    for key in keys:
        if hmac.compare_digest(_sign(key, expires_at), signature):
            match = key
    is_valid = match is not None and "console" in match.scopes and at < expires_at

    return match if is_valid else None


def _sign(api_key: ApiKey, expires_at: int) -> str:
    derived_key = hmac.digest(_PURPOSE, api_key.secret.encode(), "sha256")

    return hmac.digest(derived_key, str(expires_at).encode(), "sha256").hex()
