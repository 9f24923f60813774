"""Parses DATABASE_URL: libpq's own URLs, also with several hosts, and only libpq's options."""

import re
from urllib.parse import quote, unquote

from marshmallow import ValidationError

from receiver.settings import libpq
from receiver.settings.urls import parse_url

_URL = re.compile(
    r"(?:postgres|postgresql)://(?P<user>(?:[^/?#@]*@)?)(?P<hosts>[^/?#@]*)(?P<path>/[^?#]+)"
    r"(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE,
)
_FORM = (
    "write postgresql://user:password@host:5432/database, and percent-encode blanks and "
    "/ ? # @ : % in the password"
)
# Not every text before a "=" is the name of an option: it may be a part of a password.
_OPTION_NAME = re.compile(r"[A-Za-z_]{2,40}")
_VERIFY = "see Transport in docs/settings.md"

# What to write instead of options of other drivers, by their names in lower case.
_REMEDIES = {
    "pgbouncer": "remove it: the service works with and without PgBouncer",
    "connection_limit": "remove it, and set DB_POOL_SIZE",
    "pool_size": "remove it, and set DB_POOL_SIZE",
    "schema": "remove it, and run ALTER ROLE … SET search_path = … in the database",
    "currentschema": "remove it, and run ALTER ROLE … SET search_path = … in the database",
    "search_path": "remove it, and run ALTER ROLE … SET search_path = … in the database",
    "ssl": f"write sslmode=require or sslmode=verify-full instead, {_VERIFY}",
    "sslaccept": f"write sslmode=require or sslmode=verify-full instead, {_VERIFY}",
    "sslmode": f"write sslmode=require or sslmode=verify-full, {_VERIFY}",
}


def parse_database_url(text: str) -> str:
    """Return the URL of a Postgres database, with the scheme `postgresql`.

    Several hosts, which libpq takes as `host1:5432,host2:5432`, become its options `host` and
    `port`: that form is a URL for every parser. Raises ValidationError, also for an option or a
    value that libpq doesn't accept: otherwise every connection would fail.
    """
    match = _URL.fullmatch(text)
    if not (match and match["path"].strip("/") and all(map(parse_url, _single_host_urls(match)))):
        raise ValidationError(f"is not a Postgres URL with the name of a database; {_FORM}")
    url = "postgresql:" + text.partition(":")[2]
    answer = libpq.ask(url, _options(match["query"]))
    faults = [_unknown(name) for name in answer.unknown] + [_wrong(name) for name in answer.wrong]
    if faults and "@" not in (match["query"] or "") and all(map(_is_name, answer.unknown)):
        raise ValidationError(faults)
    if faults or answer.hosts is None:
        raise ValidationError(f"is not a URL that libpq accepts; {_FORM}")
    if len(answer.hosts) < 2:  # noqa: PLR2004 - one host
        return url

    return _with_host_options(match, answer.hosts, answer.ports)


def _single_host_urls(match: re.Match[str]) -> list[str]:
    query = f"?{match['query']}" if match["query"] else ""

    return [
        f"postgresql://{match['user']}{host}{match['path']}{query}"
        for host in match["hosts"].split(",")
    ]


def _options(query: str | None) -> list[str]:
    return [option for option in (query or "").split("&") if option]


def _with_host_options(match: re.Match[str], hosts: list[str], ports: list[str]) -> str:
    """Return the URL with all hosts and ports in its query; each host has a port of its own."""
    if len(ports) == 1:
        ports = ports * len(hosts)
    if len(ports) != len(hosts):
        raise ValidationError("has not as many ports as hosts; write host1:5432,host2:5432")
    others = [
        option
        for option in _options(match["query"])
        if unquote(option.partition("=")[0]) not in {"host", "port"}
    ]
    lists = [f"host={quote(','.join(hosts))}", f"port={quote(','.join(ports))}"]

    return f"postgresql://{match['user']}{match['path']}?{'&'.join([*lists, *others])}"


def _is_name(name: str) -> bool:
    return _OPTION_NAME.fullmatch(name) is not None


def _unknown(name: str) -> str:
    remedy = _REMEDIES.get(name.lower(), "remove it")

    return f"has the option {name}, which is not one of libpq's; {remedy}"


def _wrong(name: str) -> str:
    remedy = _REMEDIES.get(name, "see the libpq documentation, Parameter Key Words")

    return f"has a value of the option {name} that libpq doesn't accept; {remedy}"
