"""Finds the writes that may not have seen a new tombstone, and waits for their end."""

import time
from collections.abc import Callable

from sqlalchemy import Connection, text

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.store.erasure.places import ERASED_TABLES

# A statement takes its locks before it takes its snapshot, and keeps them until it is committed. So
# a write that doesn't see a committed tombstone holds its lock now. A dump doesn't hold this lock.
_WRITERS = text("""
SELECT pid, virtualtransaction FROM pg_locks
WHERE relation = ANY(CAST(:names AS regclass[]))
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
""").bindparams(names=[table.name for table in ERASED_TABLES])

_PAUSE_SECONDS = 0.02

# A process of the server, and its transaction.
Writer = tuple[int, str]


class UnfinishedWriteError(SafeMessageError):
    """A transaction that may not have seen the tombstones doesn't end."""


def find_writers(connection: Connection) -> set[Writer]:
    """Return the transactions that write now; the connection is in autocommit, to see the present.

    When all those that were found after a tombstone was committed have ended, every later write
    sees it.
    """
    return {(row.pid, row.virtualtransaction) for row in connection.execute(_WRITERS)}


def wait_for_writers(find: Callable[[], set[Writer]], deadline: Deadline) -> None:
    """Wait until every write that runs now has ended; raise UnfinishedWriteError at the deadline.

    `find` executes `find_writers`. No connection is held between its calls.
    """
    writers = find()
    while writers:
        if not deadline.remaining():
            pids = ", ".join(sorted(str(pid) for pid, _ in writers))
            raise UnfinishedWriteError(
                f"a transaction that began before still writes (Postgres's process {pids}), and "
                "what it stores may have to be removed too. Wait for its end, then try again"
            )
        time.sleep(_PAUSE_SECONDS)
        writers &= find()
