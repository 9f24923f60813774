"""The service's origin, by which the outside calls it, and as a request tells it."""

import re
from collections.abc import Mapping
from typing import Any

# The path of the webhook, below the origin that Twilio calls.
CALLBACK_PATH = "/callbacks/transcription"

# A Host header may hold anything, a path and a query too; what isn't a host makes no origin.
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")

# Cut out of the text itself: a parser would raise for a URL that somebody made up.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")


def request_origin(environ: Mapping[str, Any]) -> str:
    """Return the origin that a request was sent to, from its WSGI environ.

    It is the Host header, and the scheme that the nearest proxy tells, since exactly one is
    trusted: a proxy appends to what it was sent, so all but the last value is anybody's claim.
    """
    told = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
    scheme = told if told in {"http", "https"} else environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")

    return f"{scheme}://{host if is_host(host) else ''}"


def is_host(text: str) -> bool:
    """Tell whether the text is a name or an address, with or without a port."""
    return _HOST.fullmatch(text) is not None


def public_origin(environ: Mapping[str, Any], public_url: str | None) -> str:
    """Return PUBLIC_URL as a reader may see it, else the origin that the request was sent to."""
    return without_credentials(public_url) if public_url else request_origin(environ)


def without_credentials(url: str) -> str:
    """Return the URL without `user:password@`, which is between Twilio and the proxy."""
    return _CREDENTIALS.sub("", url, count=1)


def wsgi_text(value: str) -> str:
    """Return what a string of a WSGI environ says: it holds bytes, as latin-1 (PEP 3333).

    Twilio escapes what isn't ASCII, so whatever is neither that nor UTF-8 was never signed, and
    only has to stay harmless.
    """
    return value.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")
