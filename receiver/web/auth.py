"""Authenticates API clients by a key: Basic with `name:secret`, or Bearer with `secret`."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from flask import g, request

from receiver.runtime.timeouts import LOG_FIELDS
from receiver.services import services
from receiver.settings.keys import ApiKey, Scope
from receiver.web.failed_keys import limit_failures
from receiver.web.problems import ProblemError
from receiver.web.same_origin import require_same_origin

# One header may contain several challenges (RFC 9110, 11.6.1).
CHALLENGES = 'Basic realm="transcriptions", charset="UTF-8", Bearer realm="transcriptions"'


def require_api_key() -> None:
    """Require an API key that may read, and set `g.api_key`.

    Raises ProblemError 401 (Twilio's 20003); 429 after too many wrong keys; or 403 if the key may
    not read, or another site's page sent an unsafe request with Basic.
    """
    _require_any_key()
    if not g.api_key.may_read:
        raise ProblemError(
            403, f"The API key {g.api_key.name} may only read /metrics. Use another key."
        )


def require_metrics_key() -> None:
    """Require an API key that may read the metrics; raises what `require_api_key` raises.

    The metrics are those of all accounts.
    """
    _require_any_key()
    if g.api_key.account is not None:
        raise ProblemError(
            403,
            f"The API key {g.api_key.name} is bound to an account, and the metrics are those of "
            "all accounts. Use a key that isn't bound.",
        )


def _require_any_key() -> None:
    authorization = request.headers.get("Authorization", "")
    key = identify(authorization, services().settings.api_keys)
    if key is None:
        # Without a key nothing was guessed: many clients send one only after a 401.
        if authorization:
            limit_failures()
        raise ProblemError(
            401,
            "Send an API key of this service: Basic with its name and secret, "
            "or Bearer with its secret.",
            headers={"WWW-Authenticate": CHALLENGES},
        )
    g.api_key = key
    request.environ[LOG_FIELDS] = {"key": key.name}
    if _is_basic(authorization):
        require_same_origin()


def require_write_key() -> None:
    """Require an API key that may submit jobs; raises ProblemError 401 or 403."""
    _require_scope("write", "submit")


def require_erase_key() -> None:
    """Require an API key that may erase jobs; raises ProblemError 401 or 403."""
    _require_scope("erase", "erase")


def _require_scope(scope: Scope, verb: str) -> None:
    require_api_key()
    if scope not in g.api_key.scopes:
        raise ProblemError(
            403,
            f"The API key {g.api_key.name} may not {verb} jobs. A key that may {verb} jobs is "
            f"written as name:secret:{scope} in API_KEYS.",
        )


def visible_account() -> str | None:
    """Return the account whose jobs the request may see; None means all accounts.

    A view passes it to each read of jobs. Another account's job is unknown to the client then.
    """
    api_key: ApiKey = g.api_key

    return api_key.account


def identify(authorization: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key in the Authorization header, None if it isn't one of `keys`.

    The time that it takes reveals nothing about the secrets: it compares digests of equal length,
    in constant time, with every key.
    """
    scheme, _, presented = authorization.partition(" ")
    is_basic = _is_basic(authorization)
    if not is_basic and scheme.lower() != "bearer":
        return None
    if is_basic:
        return _match(_decode(presented.strip()), keys, is_named=True)

    return _match(presented.strip().encode(), keys, is_named=False)


def identify_by_name(name: str, secret: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Return the key with this name and secret, None if it isn't one of `keys`."""
    return _match(f"{name}:{secret}".encode(), keys, is_named=True)


def _match(presented: bytes, keys: Iterable[ApiKey], *, is_named: bool) -> ApiKey | None:
    digest = _digest(presented)
    match = None
    for key in keys:
        expected = f"{key.name}:{key.secret}" if is_named else key.secret
        if hmac.compare_digest(_digest(expected.encode()), digest):
            match = key

    return match


def _is_basic(authorization: str) -> bool:
    return authorization.partition(" ")[0].lower() == "basic"


def _decode(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
