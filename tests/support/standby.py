"""A synchronous standby that is missing, so that every commit waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.waiting import wait_until

_COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_CANCEL_WAITING = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@contextmanager
def missing_standby(url: str) -> Iterator[None]:
    """Let every commit on the server wait for a standby, until the block ends."""
    _set_standby(url, "nobody")
    try:
        yield
    finally:
        _set_standby(url, "")


def count_waiting_commits(url: str) -> int:
    """Return the number of commits that wait for the standby."""
    with psycopg.connect(url, autocommit=True) as admin:
        row = admin.execute(_COUNT_WAITING).fetchone()

    return int(row[0]) if row else 0


def cancel_waiting_commits(url: str) -> None:
    """Cancel the commits that wait for the standby, as an administrator may."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(_CANCEL_WAITING)


def _set_standby(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        admin.execute("SELECT pg_reload_conf()")

    def is_set() -> bool:
        with psycopg.connect(url, autocommit=True) as fresh:
            return fresh.execute("SHOW synchronous_standby_names").fetchone() == (name,)

    wait_until(is_set)
