"""Waits until all writes that may not have seen a new tombstone are committed."""

import time

from sqlalchemy import Connection, text

from receiver.runtime.deadline import Deadline

# A statement takes its locks before it takes its snapshot, and keeps them until it is committed. So
# a write that doesn't see a committed tombstone holds its lock now. A dump doesn't hold this lock.
_WRITERS = text("""
SELECT pid, virtualtransaction FROM pg_locks
WHERE relation IN ('events'::regclass, 'transcriptions'::regclass, 'rejected'::regclass)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
""")
_PAUSE_SECONDS = 0.01


def wait_for_writers(connection: Connection, deadline: Deadline) -> bool:
    """Wait until every write that runs now has ended; return whether that was in time.

    The connection is in autocommit, so that each look sees the present.
    """
    writers = _writers(connection)
    while writers and deadline.remaining():
        time.sleep(_PAUSE_SECONDS)
        writers &= _writers(connection)

    return not writers


def _writers(connection: Connection) -> set[tuple[int, str]]:
    return {(row.pid, row.virtualtransaction) for row in connection.execute(_WRITERS)}
