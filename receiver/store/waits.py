"""Reads what statements of this role wait for: locks of others, or a synchronous standby."""

from typing import NamedTuple

from sqlalchemy import Connection, text

# Workers wait for each other's locks all the time, but only until the other's commit.
_MIN_WAIT = "1 second"

# A blocker that itself waits for a lock is not the cause. Other roles' waits aren't visible.
_WAITS = text(f"""
WITH waiting AS (
    SELECT pid, wait_event = 'SyncRep' AS is_for_standby FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND state = 'active'
    AND (wait_event_type = 'Lock' OR wait_event = 'SyncRep')
    AND clock_timestamp() - query_start > interval '{_MIN_WAIT}'
)
SELECT count(*) FILTER (WHERE is_for_standby) AS commits,
       count(*) FILTER (WHERE NOT is_for_standby) AS statements,
       ARRAY(
           SELECT DISTINCT blocker FROM waiting, unnest(pg_blocking_pids(pid)) AS blocker
           WHERE blocker NOT IN (SELECT pid FROM waiting) ORDER BY blocker
       ) AS blockers
FROM waiting
""")  # noqa: S608 - made of the constant above


class Waits(NamedTuple):
    """How many statements have been waiting for more than a second."""

    commits: int  # for a synchronous standby
    statements: int  # for locks
    blockers: list[int]  # the process ids of the sessions that hold these locks


def read_waits(connection: Connection) -> Waits:
    """Return the waits of this moment in this database."""
    return Waits(*connection.execute(_WAITS).one())
