"""The stylesheet of the pages."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Response

_FILE = Path(__file__).parent / "static" / "console.css"
_SECONDS = 365 * 24 * 60 * 60  # its URL changes with it


@cache
def stylesheet() -> tuple[bytes, str]:
    """Return the stylesheet, and a version that changes with it."""
    data = _FILE.read_bytes()

    return data, sha256(data).hexdigest()[:16]


def send() -> Response:
    """Answer with the stylesheet."""
    response = Response(stylesheet()[0], content_type="text/css; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = _SECONDS
    response.cache_control.immutable = True

    return response
