"""Only this machine's databases are for development."""

import re
import sys
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

# libpq's parameters that can lead elsewhere than the URL's host says.
_DETOURS = {"host", "hostaddr", "service", "servicefile"}
# What parsers read differently, or skip: a fragment, several hosts, a second @.
_AMBIGUOUS = re.compile(r"[^!-~]|[#\\]|//[^/?]*(?:,|@[^/?]*@)")


def refuse_remote(url: str) -> None:
    """Exit unless `url` is a database on loopback, whoever's reading of a URL is taken."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = parts.port != 0 and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        local = False
    if (
        _AMBIGUOUS.search(url)
        or not local
        or _DETOURS & parse_qs(parts.query, keep_blank_values=True).keys()
    ):
        sys.exit(
            "Error: DEV_DATABASE_URL must be a URL of a database on this machine "
            "(postgresql://user:password@localhost:5432/name), for `make run` migrates it and "
            "writes to it. Without it, an embedded Postgres is used."
        )
