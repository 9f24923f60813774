"""Accepts only databases on this machine: development must not write to another one."""

import re
import sys
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

# libpq parameters that override the URL's host.
_HOST_PARAMETERS = {"host", "hostaddr", "service", "servicefile"}
# URL parsers disagree about these: a fragment, several hosts, a second @.
_AMBIGUOUS = re.compile(r"[^!-~]|[#\\]|//[^/?]*(?:,|@[^/?]*@)")


def require_loopback(url: str) -> None:
    """Exit unless every URL parser would find a database on loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_local = parts.port != 0 and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        is_local = False
    if (
        _AMBIGUOUS.search(url)
        or not is_local
        or _HOST_PARAMETERS & parse_qs(parts.query, keep_blank_values=True).keys()
    ):
        sys.exit(
            "Error: DEV_DATABASE_URL must be the URL of a database on this machine "
            "(postgresql://user:password@localhost:5432/name), because `make run` migrates it and "
            "writes to it. Without DEV_DATABASE_URL, an embedded Postgres is used."
        )
