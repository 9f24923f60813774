"""Lists the origins that Twilio may have called, as the settings and a request suggest them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from urllib.parse import urlsplit

from receiver.settings.urls import is_host

_PORT = re.compile(r":([0-9]{1,5})\Z")
# The limit for the hosts, and for the ports, of one request: enough for several proxies in a row; a
# forged list may be longer.
_MAX_NAMES = 8


def candidate_origins(headers: Mapping[str, str], public_urls: Sequence[str]) -> list[str]:
    """Return the possible values of PUBLIC_URL, the most likely first.

    These are `public_urls`, then each combination of scheme, host, port and path prefix that they
    or the headers name. The signature check itself tries the default ports.
    """
    given = [urlsplit(url) for url in public_urls]
    in_headers = [*_split_header(headers.get("X-Forwarded-Host", "")), headers.get("Host", "")]
    named = [
        *(url.netloc for url in given),  # may have user:password@; tried with it and without it
        *(url.netloc.rpartition("@")[2] for url in given),
        *(host for host in in_headers if is_host(host)),
    ]
    hosts = _distinct(name for netloc in named for name in (netloc, _PORT.sub("", netloc)))
    hosts = hosts[:_MAX_NAMES]
    forwarded_ports = _split_header(headers.get("X-Forwarded-Port", ""))
    ports = _ports([*named, *(f":{port}" for port in forwarded_ports)])
    authorities = _distinct(
        [*hosts, *(f"{_PORT.sub('', host)}:{port}" for host, port in product(hosts, ports))]
    )
    forwarded = _split_header(headers.get("X-Forwarded-Prefix", ""))
    prefixes = _distinct(
        [
            *(url.path for url in given),
            "",
            *(path.rstrip("/") for path in forwarded if path[0] == "/"),
        ]
    )
    combined = (
        f"{scheme}://{authority}{prefix}"
        for prefix, authority, scheme in product(prefixes, authorities, ("https", "http"))
    )

    return _distinct([*public_urls, *combined])


def _ports(names: Iterable[str]) -> list[str]:
    return _distinct(port for name in names for port in _PORT.findall(name))[:_MAX_NAMES]


def _split_header(value: str) -> list[str]:
    """Return the values of a header to which each proxy appends; the nearest proxy's is first."""
    return [part.strip() for part in reversed(value.split(",")) if part.strip()]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
