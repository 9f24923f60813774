"""The state of the database for the feed of changes: its history, and its present snapshot."""

import hashlib
from typing import NamedTuple

from sqlalchemy import Connection, text

from receiver.store.changes.snapshot import Snapshot

# The numbers of transactions mean something in one history only. A new cluster, a timeline after a
# failover or a restore, another database, and a table that a restore has made again are others.
# A standby is refused: its snapshots don't list the transactions in progress.
_STATE = text("""
SELECT
    CASE WHEN NOT pg_is_in_recovery() THEN concat_ws('-',
        (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'transcriptions'::regclass::oid
    ) END AS history,
    pg_current_snapshot()::text AS snapshot,
    (
        -- Without the table's name, this would be the order of the texts.
        SELECT transaction_id::text FROM transcriptions
        ORDER BY transcriptions.transaction_id DESC LIMIT 1
    ) AS newest
""")
_HISTORY_CHARACTERS = 16


class State(NamedTuple):
    """What a page needs to know of the database."""

    history: str | None  # None on a standby
    snapshot: Snapshot
    newest: int  # the last writer of all jobs that are visible in the snapshot

    @property
    def has_foreign_ids(self) -> bool:
        """Whether rows have transaction numbers that this cluster has not assigned yet."""
        return self.newest >= self.snapshot.end

    def since(self, earlier: Snapshot) -> Snapshot:
        """Return what a consumer has seen who has read all changes since the earlier snapshot.

        It ends with the newest writer of a job, because this one's commit is on the disk. After a
        crash, Postgres may give later numbers again: those of transactions that left no trace.
        """
        return self.snapshot.before(max(self.newest + 1, earlier.end))


def read_state(connection: Connection) -> State:
    """Return the state, as of one snapshot."""
    row = connection.execute(_STATE).one()
    history = row.history and hashlib.sha256(row.history.encode()).hexdigest()

    return State(
        history=history and history[:_HISTORY_CHARACTERS],
        snapshot=Snapshot.parse(row.snapshot),
        newest=int(row.newest or 0),
    )
