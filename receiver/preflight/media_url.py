"""Parses a mediaUrl. It is parsed only once, so the checked host is the host that is called."""

import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from receiver.preflight.errors import ErrorCode, MediaError
from receiver.settings.urls import DEFAULT_PORTS

_FIRST_UNPRIVILEGED_PORT = 1024
_PRINTABLE_ASCII = re.compile(r"[!-~]+")
_MAX_URL_LENGTH = 8192  # characters; servers reject longer URLs
# Characters of a Location that are not escaped: RFC 3986's reserved ones, "~" and "%".
_SAFE_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A URL and the parts of it that a request needs."""

    url: str
    is_tls: bool
    host: str  # ASCII, without brackets
    port: int
    path: str  # includes the query
    host_header: str
    authorization: str | None  # Basic, from the URL's user and password

    def resolve_redirect(self, location: str | None) -> "MediaUrl":
        """Return the URL that a response's Location leads to; raises MediaError (17551)."""
        if not location:
            raise MediaError(ErrorCode.DOWNLOAD_FAILED, f"{self.host} redirects without a Location")
        # http.client decodes headers as Latin-1. Some servers send UTF-8 that is not escaped.
        escaped = quote(location.encode("latin-1"), safe=_SAFE_CHARACTERS)
        try:
            return parse_media_url(urljoin(self.url, escaped))
        except (ValueError, MediaError):
            raise MediaError(
                ErrorCode.DOWNLOAD_FAILED, f"{self.host} redirects to an unusable URL"
            ) from None


def parse_media_url(url: str) -> MediaUrl:
    """Return the URL's parts; raises MediaError (17550, or 17551 for a port that isn't allowed)."""
    if not _PRINTABLE_ASCII.fullmatch(url) or len(url) > _MAX_URL_LENGTH:
        raise _invalid(
            f"contains a character that must be escaped, or more than {_MAX_URL_LENGTH} characters"
        )
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError:  # an invalid port, brackets or label
        raise _invalid("has an invalid host or port") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise _invalid("is neither http nor https")
    if not host:
        raise _invalid("contains no host")
    default_port = DEFAULT_PORTS[parts.scheme]
    port = default_port if port is None else port
    _check_port(port)
    bracketed = f"[{host}]" if ":" in host else host

    return MediaUrl(
        url=url,
        is_tls=parts.scheme == "https",
        host=host,
        port=port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        host_header=bracketed if port == default_port else f"{bracketed}:{port}",
        authorization=_basic_authorization(parts),
    )


def _check_port(port: int) -> None:
    # Other privileged ports belong to other protocols: nobody may use us to reach a mail server.
    if port not in DEFAULT_PORTS.values() and port < _FIRST_UNPRIVILEGED_PORT:
        raise MediaError(
            ErrorCode.DOWNLOAD_FAILED, f"port {port} is neither 80, 443 nor 1024 and above"
        )


def _host(parts: SplitResult) -> str:
    # The trailing dot means something to a resolver, but certificates never contain it.
    host = (parts.hostname or "").removesuffix(".")
    host.encode("idna")  # raises UnicodeError, a ValueError, if a label is empty or too long

    return host


def _basic_authorization(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")

    return f"Basic {b64encode(pair).decode()}"


def _invalid(reason: str) -> MediaError:
    return MediaError(ErrorCode.INVALID_URL, f"the URL {reason}")
