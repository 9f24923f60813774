"""Which origins Twilio may have called, as far as a request and the settings tell."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from urllib.parse import urlsplit

from receiver.settings.urls import is_host

_PORT = re.compile(r":([0-9]{1,5})\Z")
# Of the hosts and of the ports that one request names: some proxies, and no list that is made up.
_MOST = 8


def origins(headers: Mapping[str, str], public_urls: Sequence[str]) -> list[str]:
    """Return what PUBLIC_URL may have to be, likeliest first.

    These are the given ones, then every scheme with every host, port and path prefix that they or
    the headers name. A default port needn't be tried: the signature check does.
    """
    given = [urlsplit(url) for url in public_urls]
    told = [*_listed(headers.get("X-Forwarded-Host", "")), headers.get("Host", "")]
    named = [
        *(url.netloc for url in given),  # perhaps with user:password@, and without it
        *(url.netloc.rpartition("@")[2] for url in given),
        *(host for host in told if is_host(host)),
    ]
    hosts = _distinct(name for netloc in named for name in (netloc, _PORT.sub("", netloc)))[:_MOST]
    ports = _distinct(
        port
        for text in [*named, *(f":{port}" for port in _listed(headers.get("X-Forwarded-Port", "")))]
        for port in _PORT.findall(text)
    )[:_MOST]
    authorities = _distinct(
        [*hosts, *(f"{_PORT.sub('', host)}:{port}" for host, port in product(hosts, ports))]
    )
    passed = [path for path in _listed(headers.get("X-Forwarded-Prefix", "")) if path[0] == "/"]
    prefixes = _distinct([*(url.path for url in given), "", *(path.rstrip("/") for path in passed)])

    return _distinct(
        [
            *public_urls,
            *(
                f"{scheme}://{authority}{prefix}"
                for prefix, authority, scheme in product(prefixes, authorities, ("https", "http"))
            ),
        ]
    )


def _listed(value: str) -> list[str]:
    """Return the values of a header to which each proxy appends, the nearest one's first."""
    return [part.strip() for part in reversed(value.split(",")) if part.strip()]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
