"""Finds the writes that may not have seen a new tombstone, and waits for their end."""

import time

from sqlalchemy import Connection, text

from receiver.runtime.deadline import Deadline

# A statement takes its locks before it takes its snapshot, and keeps them until it is committed. So
# a write that doesn't see a committed tombstone holds its lock now. A dump doesn't hold this lock.
_WRITERS = text("""
SELECT pid, virtualtransaction FROM pg_locks
WHERE relation IN ('events'::regclass, 'transcriptions'::regclass, 'rejected'::regclass,
                   'submissions'::regclass)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
""")

_PAUSE_SECONDS = 0.01

# A process of the server, and its transaction.
Writer = tuple[int, str]


def find_writers(connection: Connection) -> set[Writer]:
    """Return the transactions that write now; the connection is in autocommit, to see the present.

    When all those that were found after a tombstone was committed have ended, every later write
    sees it.
    """
    return {(row.pid, row.virtualtransaction) for row in connection.execute(_WRITERS)}


def wait_for_writers(connection: Connection, deadline: Deadline) -> bool:
    """Wait until every write that runs now has ended; return whether that was in time.

    It holds the connection all the time, so it is for processes that share it with nobody.
    """
    writers = find_writers(connection)
    while writers and deadline.remaining():
        time.sleep(_PAUSE_SECONDS)
        writers &= find_writers(connection)

    return not writers
