"""The server: which Postgres it is, and how many connections it has room for."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

# A hosted database often limits the role or the database instead of the server. Ours are the
# sessions that call themselves what this one does. Those of other roles hide all but datid and
# usesysid from us, which still tell a client from the server's own processes.
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
       ) AS room
FROM pg_stat_activity
WHERE usesysid IS NOT NULL
  AND datid IS NOT NULL
  AND application_name IS DISTINCT FROM current_setting('application_name')
""")


@dataclass(frozen=True)
class Server:
    """A Postgres server as this role sees it.

    `version` is the major one. `room` is how many connections this service can have at most: the
    least of the limits that hold for it, less what others use now.
    """

    version: int
    room: int


def describe_server(connection: Connection) -> Server:
    """Return what the server at the other end is."""
    row = connection.execute(_DESCRIBE).one()

    return Server(version=row.version, room=row.room)
