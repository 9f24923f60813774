"""Transactions that write jobs, and stay open for as long as a test wants."""

from typing import Any

import psycopg

from tests.support.samples import ACCOUNT

_WRITE = """
INSERT INTO transcriptions AS t
    (id, account_id, status, duration, first_seen_at,
     key_terminal, key_updated_at, key_source, key_sha256)
VALUES (%(job)s, %(account)s, 'RUNNING', %(version)s, now(), 0, now(), 0, '')
ON CONFLICT (id) DO UPDATE
    SET duration = EXCLUDED.duration, transaction_id = pg_current_xact_id()
"""

Session = psycopg.Connection[tuple[Any, ...]]


def write(session: Session, job: str, version: int, *, account: str = ACCOUNT) -> None:
    """Write the job in the session's transaction; its duration is the version."""
    session.execute(_WRITE, {"job": job, "account": account, "version": version})


def be_stranger(session: Session) -> None:
    """Begin a transaction that writes, but none of our tables."""
    session.execute("SELECT pg_current_xact_id()")


def versions(session: Session) -> dict[str, int]:
    """Return the committed version of each job."""
    return dict(session.execute("SELECT id, duration FROM transcriptions").fetchall())
