"""Describes the Postgres server: its version, our share of its connections, how it is reached."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    import psycopg

# Hosted databases often limit the role or the database instead of the server. Sessions with our
# application_name are ours. Other roles' sessions show us only datid and usesysid, which still
# distinguish clients from the server's own processes.
_DESCRIBE = text("""
SELECT current_setting('server_version_num')::int / 10000 AS version,
       LEAST(
           current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - COALESCE(current_setting('reserved_connections', true)::int, 0)
               - count(*),
           (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
               - count(*) FILTER (WHERE usename = current_user),
           (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
               - count(*) FILTER (WHERE datname = current_database())
       ) AS available_connections
FROM pg_stat_activity
WHERE usesysid IS NOT NULL
  AND datid IS NOT NULL
  AND application_name IS DISTINCT FROM current_setting('application_name')
""")


@dataclass(frozen=True)
class Server:
    """A Postgres server as this role sees it.

    `available_connections` is how many connections this service can have at most: the lowest limit
    that applies to it, minus the connections that others use now.
    """

    version: int  # the major version
    available_connections: int


@dataclass(frozen=True)
class Transport:
    """How the server is reached.

    `is_local`: by a socket of this machine. `sslmode` is libpq's, from DATABASE_URL, from PGSSLMODE
    or its default.
    """

    is_local: bool
    is_encrypted: bool
    sslmode: str


def describe_transport(connection: Connection) -> Transport:
    """Return how the connection reaches the server, or the pooler in front of it."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    options = {option.keyword: option.val for option in driver.pgconn.info}

    return Transport(
        is_local=_is_local(driver.info.host, driver.info.hostaddr),
        is_encrypted=driver.pgconn.ssl_in_use,
        sslmode=(options.get(b"sslmode") or b"unknown").decode(),
    )


def _is_local(host: str, address: str) -> bool:
    """Return whether this is a Unix socket's folder (host) or a loopback address."""
    if host.startswith(("/", "@")) or not address:
        return True

    return ip_address(address.partition("%")[0]).is_loopback


def describe_server(connection: Connection) -> Server:
    """Return the server that the connection leads to."""
    row = connection.execute(_DESCRIBE).one()

    return Server(version=row.version, available_connections=row.available_connections)
