"""A mediaUrl taken apart. It is parsed once: what is judged is what is asked."""

import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from receiver.preflight.errors import Code, MediaError

_PORTS = {"http": 80, "https": 443}
_FIRST_UNPRIVILEGED = 1024
_PRINTABLE = re.compile(r"[!-~]+")
_LONGEST = 8192  # characters; servers refuse longer ones
# What a Location may hold as it is: reserved characters, unreserved ones and escapes (RFC 3986).
_KEPT = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask, and for what."""

    url: str
    is_tls: bool
    host: str  # ASCII, without brackets
    port: int
    path: str  # with the query
    host_header: str
    authorization: str | None  # Basic, from the URL's own user and password

    def redirected(self, location: str | None) -> "Target":
        """Return where an answer's Location leads, or raise Failed."""
        if not location:
            raise MediaError(Code.DOWNLOAD_FAILED, f"{self.host} redirects to nowhere")
        # http.client gives the bytes of a header as Latin-1; servers send unescaped UTF-8.
        escaped = quote(location.encode("latin-1"), safe=_KEPT)
        try:
            return target_of(urljoin(self.url, escaped))
        except (ValueError, MediaError):
            raise MediaError(
                Code.DOWNLOAD_FAILED, f"{self.host} redirects to what can't be asked"
            ) from None


def target_of(url: str) -> Target:
    """Return the URL's parts, or raise Failed: 17550, or 17551 for a port that we don't ask."""
    if not _PRINTABLE.fullmatch(url) or len(url) > _LONGEST:
        raise _invalid(f"holds a character that must be escaped, or more than {_LONGEST}")
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError:  # an impossible port, brackets or label
        raise _invalid("has an impossible host or port") from None
    if parts.scheme not in _PORTS:
        raise _invalid("is neither http nor https")
    if not host:
        raise _invalid("names no host")
    usual = _PORTS[parts.scheme]
    port = usual if port is None else port
    if port not in _PORTS.values() and port < _FIRST_UNPRIVILEGED:
        # Nobody makes us speak to a mail server.
        raise MediaError(Code.DOWNLOAD_FAILED, f"port {port} is neither 80, 443 nor 1024 and above")
    bracketed = f"[{host}]" if ":" in host else host

    return Target(
        url=url,
        is_tls=parts.scheme == "https",
        host=host,
        port=port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        host_header=bracketed if port == usual else f"{bracketed}:{port}",
        authorization=_basic(parts),
    )


def _host(parts: SplitResult) -> str:
    # A trailing dot is for the resolver, no certificate has it.
    host = (parts.hostname or "").removesuffix(".")
    host.encode("idna")  # raises where a label is empty or too long

    return host


def _basic(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")

    return f"Basic {b64encode(pair).decode()}"


def _invalid(what: str) -> MediaError:
    return MediaError(Code.INVALID_URL, f"the URL {what}")
