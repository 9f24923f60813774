"""Who may read and who may write: an API key, as Basic `name:secret` or as Bearer `secret`."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from flask import g, request

from receiver.services import services
from receiver.settings.keys import ApiKey
from receiver.web.problems import ProblemError

# RFC 9110, 11.6.1: several challenges may share one field.
CHALLENGES = 'Basic realm="transcriptions", charset="UTF-8", Bearer realm="transcriptions"'


def require_api_key() -> None:
    """Let nobody pass without an API key, which becomes `g.api_key`.

    Raises Problem 401 (Twilio's 20003).
    """
    key = identify(request.headers.get("Authorization", ""), services().settings.api_keys)
    if key is None:
        raise ProblemError(
            401,
            "Send an API key of this service: Basic with its name and secret, "
            "or Bearer with its secret.",
            headers={"WWW-Authenticate": CHALLENGES},
        )
    g.api_key = key


def require_write_key() -> None:
    """Let nobody pass without an API key that may write; raises Problem 401 or 403."""
    require_api_key()
    if not g.api_key.may_write:
        raise ProblemError(
            403,
            f"The API key {g.api_key.name} may read only: one that may submit is written "
            "name:secret:write in API_KEYS.",
        )


def identify(authorization: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key that the Authorization header presents, None if it is no key of ours.

    How long it takes tells nothing of the secrets: digests are compared, which have one length,
    in constant time, and always with every key.
    """
    scheme, _, presented = authorization.partition(" ")
    named = scheme.lower() == "basic"
    if not named and scheme.lower() != "bearer":
        return None
    digest = _digest(_decoded(presented.strip()) if named else presented.strip().encode())
    found = None
    for key in keys:
        expected = f"{key.name}:{key.secret}" if named else key.secret
        if hmac.compare_digest(_digest(expected.encode()), digest):
            found = key

    return found


def _decoded(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
