"""Signed links: a page's `<track>` can send no API key, so the link itself proves who may read.

A link is for one transcript as WebVTT, and expires after minutes. It is signed with a key that is
derived from the secret of the API key that made it. So it reads what that API key may read, and
ends when that API key is removed or its secret changes.
"""

import hmac
import re
import time

from flask import g, request

from receiver.runtime.timeouts import LOG_FIELDS
from receiver.services import services
from receiver.settings.keys import ApiKey
from receiver.web.problems import ProblemError

_PURPOSE = b"transcription receiver: link to WebVTT"
_TOKEN = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")


def make_token(api_key: ApiKey, job_id: str, expires_at: int) -> str:
    """Return the query's `token` of a link that is valid until that Unix time."""
    return f"{expires_at}.{_sign(api_key, job_id, expires_at)}"


def require_link(job_id: str, token: str) -> None:
    """Require a link's token, and set `g.api_key` and `g.is_linked`; raises ProblemError 403.

    The time that it takes reveals nothing about the signature.
    """
    parts = _TOKEN.fullmatch(token)
    expires_at, signature = (int(parts[1]), parts[2]) if parts else (0, "")
    match = None
    for key in services().settings.api_keys:
        is_match = hmac.compare_digest(_sign(key, job_id, expires_at), signature)
        # The holder of a key that may not read can sign with it too.
        if is_match and key.may_read:
            match = key
    if match is None or expires_at <= time.time():
        raise ProblemError(
            403,
            "The link is not valid, or it has expired. Make a new one with "
            "POST /v3/Transcriptions/{id}/Links.",
        )
    g.api_key = match
    g.is_linked = True
    request.environ[LOG_FIELDS] = {"key": match.name}


def _sign(api_key: ApiKey, job_id: str, expires_at: int) -> str:
    derived_key = hmac.digest(_PURPOSE, api_key.secret.encode(), "sha256")

    return hmac.digest(derived_key, f"{expires_at} {job_id}".encode(), "sha256").hex()
