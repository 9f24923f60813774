"""The URL that Twilio called, byte for byte: the signature speaks about nothing less.

Never parsed and put together again: host case, `//`, escapes and the order of parameters all count.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from receiver.settings.urls import request_origin, wsgi_text

_ORIGIN_OF_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PARTS = re.compile(r"((?i:https?))(://[^/?#]*)(.*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*\Z")  # what ends `[::1]` or `user:8443@host` is no port
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # RFC 3986, 3.3: what a path may hold unescaped


def called_url(environ: Mapping[str, Any], public_url: str | None) -> str:
    """Return the URL under which Twilio called, from a WSGI environ.

    `public_url` is the origin that Twilio calls, with the path prefix that the proxy strips, if
    any, and no slash at its end. Without it the origin is the request's own: the Host header, and
    the scheme that the nearest proxy tells, since exactly one is trusted.
    """
    return (public_url or request_origin(environ)) + called_target(environ)


def spellings(url: str) -> list[str]:
    """Return `url` and the other ways in which Twilio may have spelled it when it signed.

    All of its SDKs try the port both ways: dropped where there is one, the scheme's default where
    there is none. The one for Node also takes `'` and `%27` for each other.
    """
    parts = _PARTS.fullmatch(url)
    if not parts:
        return [url]

    scheme, authority, target = parts.groups()
    other = _PORT.sub("", authority)
    if other == authority:
        other = f"{authority}:{_DEFAULT_PORTS[scheme.lower()]}"
    targets = target, target.replace("'", "%27"), target.replace("%27", "'")

    return list(dict.fromkeys(scheme + at + to for at in (authority, other) for to in targets))


def called_target(environ: Mapping[str, Any]) -> str:
    """Return the path and the query of the URL, as the request line had them."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:  # a proxy may have sent it in absolute form (RFC 9112, 3.2.2)
        return wsgi_text(_ORIGIN_OF_TARGET.sub("", raw, count=1) if raw[0] != "/" else raw)

    path = wsgi_text(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    query = wsgi_text(environ.get("QUERY_STRING", ""))

    return quote(path, safe=_PATH_CHARACTERS) + (query and f"?{query}")
