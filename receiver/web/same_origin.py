"""Recognizes requests that a page of another site makes a browser send, and refuses unsafe ones.

A browser adds the Basic credentials that it remembers to such requests, but never a Bearer key.
"""

from urllib.parse import urlsplit

from flask import request

from receiver.services import services
from receiver.settings.urls import DEFAULT_PORTS, public_origin
from receiver.web.problems import ProblemError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def require_same_origin() -> None:
    """Raise ProblemError 403 if a browser sent an unsafe request for a page of another origin."""
    if request.method not in SAFE_METHODS and is_from_another_site():
        raise ProblemError(
            403,
            "A page of another site sent this request with Basic credentials. Send it from a page "
            "of this service, from a program, or with a Bearer key.",
        )


def is_from_another_site() -> bool:
    """Return whether a browser sent the request for a page of another origin.

    The header Sec-Fetch-Site decides (https://www.w3.org/TR/fetch-metadata/), or Origin in browsers
    that send only that. Scripts can't set either of them.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_from_browser = site is not None or origin is not None

    return is_from_browser and site not in {"same-origin", "none"} and not _is_ours(origin)


def require_own_page() -> None:
    """Raise ProblemError 403 unless a browser says that a page of this service sent the request.

    For unsafe requests with a cookie, which a browser adds by itself. A request with neither header
    is refused too: every browser sends one of them.
    """
    has_header = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    if request.method not in SAFE_METHODS and (not has_header or is_from_another_site()):
        raise ProblemError(
            403,
            "This request doesn't come from a page of the console, so nothing was done. Open the "
            "console and try again there.",
        )


def _is_ours(origin: str | None) -> bool:
    ours = _parts(public_origin(request.environ, services().settings.public_url))

    return origin is not None and ours is not None and _parts(origin) == ours


def _parts(url: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port of a URL, without its path; None if it has no host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None

    return parts.scheme, parts.hostname, port or DEFAULT_PORTS.get(parts.scheme)
