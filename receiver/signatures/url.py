"""The URL that Twilio called, byte for byte, as the signature covers it.

It is never parsed and rebuilt: upper and lower case, `//`, escapes and the order of parameters all
matter.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from receiver.settings.urls import CALLBACK_PATH, DEFAULT_PORTS, request_origin, wsgi_text
from receiver.signatures.query import query_spellings

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PARTS = re.compile(r"((?i:https?))(://[^/?#]*)(.*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*\Z")  # the end of `[::1]` or `user:8443@host` is no port
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # RFC 3986, 3.3: allowed unescaped in a path


def called_url(environ: Mapping[str, Any], public_url: str | None) -> str:
    """Return the URL that Twilio called, from a WSGI environ.

    `public_url` is the origin that Twilio calls, maybe with a path, and no slash at its end.
    Without it the origin is taken from the request (see `request_origin`).
    """
    return join_url(public_url or request_origin(environ), called_target(environ))


def join_url(base: str, target: str) -> str:
    """Return the URL of a callback from `base`, which is PUBLIC_URL or an origin, and its target.

    The proxy may have stripped the path of `base` from the target, or have passed it on.
    """
    rest = target.removeprefix(_ORIGIN.sub("", base, count=1))
    is_passed_on = rest.startswith("/") and path_of(rest).endswith(CALLBACK_PATH)

    return base + (rest if is_passed_on else target)


def path_of(target: str) -> str:
    """Return the target without its query, and without one slash at the end of its path.

    A callback URL that ends with a slash still belongs to this service.
    """
    return target.partition("?")[0].removesuffix("/")


def callback_prefix(url: str, public_url: str | None) -> str | None:
    """Return what a URL has between `public_url`, or its own origin, and the callback's path.

    Returns None if the URL doesn't begin or end so. Nothing is decoded or normalized: what the
    account signed for another spelling of the path may have been for another application.
    """
    if public_url is None:
        target = _ORIGIN.sub("", url, count=1)
    elif url.startswith(public_url):
        target = url.removeprefix(public_url)
    else:
        return None
    path = path_of(target)

    return path.removesuffix(CALLBACK_PATH) if path.endswith(CALLBACK_PATH) else None


def spellings(url: str) -> Iterator[str]:
    """Yield `url`, then the other spellings of it that Twilio may have signed.

    All its SDKs try the URL with and without a port: a given port is dropped, a missing one becomes
    the scheme's default. The Node SDK also tries `'` and `%27` for each other, and the query with
    other escapes. The path has no other spelling, because the route is compared with it.
    """
    yield url  # nearly always the right one, so the others are made only if it isn't
    parts = _PARTS.fullmatch(url)
    if not parts:
        return

    scheme, authority, target = parts.groups()
    other_authority = _PORT.sub("", authority)
    if other_authority == authority:
        other_authority = f"{authority}:{DEFAULT_PORTS[scheme.lower()]}"
    path, question_mark, query = target.partition("?")
    targets = (
        *(target, target.replace("'", "%27"), target.replace("%27", "'")),
        *(f"{path}{question_mark}{spelling}" for spelling in query_spellings(query)),
    )

    others = dict.fromkeys(
        scheme + each_authority + each_target
        for each_authority in (authority, other_authority)
        for each_target in targets
    )
    del others[url]
    yield from others


def called_target(environ: Mapping[str, Any]) -> str:
    """Return the path and the query of the URL, as the request line has them."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        # A proxy may send the absolute form (RFC 9112, 3.2.2).
        origin = _ORIGIN.match(raw)
        return _rooted(wsgi_text(raw[origin.end() :] if origin else raw))

    path = wsgi_text(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    query = wsgi_text(environ.get("QUERY_STRING", ""))

    return _rooted(quote(path, safe=_PATH_CHARACTERS) + (query and f"?{query}"))


def _rooted(target: str) -> str:
    """Return the target, with a slash added if it doesn't begin with one.

    Without one, it would change the host when it is appended to the origin: a URL that was signed
    for `app.example.com.evil.example`, or for `app.example.com@evil.example`, would be accepted for
    `app.example.com`.
    """
    return target if target.startswith("/") else f"/{target}"
