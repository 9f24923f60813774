"""URLs: parses those of the settings, and finds the service's own origin."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

# The path of the webhook, after the origin that Twilio calls.
CALLBACK_PATH = "/callbacks/transcription"

DEFAULT_PORTS = {"http": 80, "https": 443}

# A path prefix before the callback's path; "/" alone makes a path that begins with two slashes.
# Segments stop at 32 characters: a form's URL and fields are signed as one text without a
# separator, and AccountSid with its value, in a forged path, has 44.
PREFIX_PATTERN = re.compile(r"/|(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]{1,32})+")

# A Host header can contain any text, even a path and a query.
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")

# A regular expression, since a parser would raise an error for an invalid URL.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@")


def parse_url(text: str) -> SplitResult | None:
    """Return the parts of a URL, None if it is invalid or if parsers may read it differently."""
    try:
        url = urlsplit(text)
        port = url.port  # raises ValueError above 65535
    except ValueError:
        return None
    is_plain = text.isascii() and text.isprintable() and " " not in text
    has_one_host = "@" not in url.netloc.partition("@")[2]

    return url if is_plain and has_one_host and port != 0 else None


def parse_web_url(text: str) -> SplitResult | None:
    """Return the parts of an http or https URL without query and fragment, otherwise None.

    The scheme must be in lower case: signatures cover the URL as it is written.
    """
    url = parse_url(text)
    is_web = text.startswith(("https://", "http://"))
    has_query = "?" in text or "#" in text

    return url if url and is_web and url.hostname and not has_query else None


def web_origin(text: str) -> str | None:
    """Return an origin as browsers write it; None if the text isn't one, or not a safe one.

    The host is in lower case, and the scheme's own port is left out. http is for loopback only.
    """
    url = parse_web_url(text)
    if not url or not is_host(url.netloc) or url.path not in {"", "/"}:
        return None
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        return None
    default_port = f":{DEFAULT_PORTS[url.scheme]}"

    return f"{url.scheme}://{url.netloc.lower().removesuffix(default_port)}"


def is_host(text: str) -> bool:
    """Return whether the text is a host name or an IP address, with or without a port."""
    return _HOST.fullmatch(text) is not None


def is_loopback_host(text: str) -> bool:
    """Return whether a Host header, or the host and port of a URL, names this machine."""
    if not is_host(text):
        return False
    name = text.partition("]")[0].lstrip("[") if text[0] == "[" else text.partition(":")[0]

    return is_loopback(name)


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine: `localhost` or a loopback address."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def request_origin(environ: Mapping[str, Any]) -> str:
    """Return the origin that a request was sent to, from its WSGI environ.

    The host is the Host header. The scheme is the last value of X-Forwarded-Proto: exactly one
    proxy is trusted, and it appends to a header that anybody may have sent.
    """
    forwarded = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
    is_known = forwarded in {"http", "https"}
    scheme = forwarded if is_known else environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")

    return f"{scheme}://{host if is_host(host) else ''}"


def public_origin(environ: Mapping[str, Any], public_url: str | None) -> str:
    """Return PUBLIC_URL without its credentials; if it isn't set, the request's origin."""
    return without_credentials(public_url) if public_url else request_origin(environ)


def without_credentials(url: str) -> str:
    """Return the URL without `user:password@`, which only Twilio and the proxy need to know."""
    return _CREDENTIALS.sub("", url, count=1)


def wsgi_text(value: str) -> str:
    """Return the text of a string in a WSGI environ: each of its characters is a byte (PEP 3333).

    Twilio escapes what isn't ASCII. So bytes that aren't UTF-8 were never signed; they must only
    not raise an error here.
    """
    return value.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")
