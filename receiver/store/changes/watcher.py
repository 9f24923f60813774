"""Waits for changes on behalf of all clients of a worker, with one statement a second."""

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, select, union_all

from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import time_limit
from receiver.store.changes.read import is_one_of, literal_id
from receiver.store.changes.snapshot import Snapshot
from receiver.store.changes.state import State, read_state
from receiver.store.tables import transcriptions

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# A waiting client needs some 30 kilobytes, and no connection.
MAX_WAITING = 500

_LOOK_TIMEOUT_SECONDS = 3.0
# The changes that one look reads. If there are more, all clients read their page.
_MAX_CHANGES = 1_000

_job = transcriptions.c


@dataclass(eq=False)
class _Waiting:
    """A client that waits for the changes of an account, or of all if it is None."""

    account_id: str | None
    called: threading.Event = field(default_factory=threading.Event)

    def is_concerned(self, accounts: Collection[str]) -> bool:
        """Return whether the client sees one of these accounts."""
        return bool(accounts) if self.account_id is None else self.account_id in accounts


class Watcher:
    """Looks for changes while clients wait, and calls those that they concern."""

    def __init__(
        self, engine: Engine, connections: ConcurrencyLimit, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """Use one of the connections that readers may use, so that callbacks have the others."""
        self._engine = engine
        self._connections = connections
        self._look_seconds = look_seconds
        self._lock = threading.Lock()  # never held across a switch to another request
        self._waiting: set[_Waiting] = set()
        self._is_running = False
        # The oldest snapshot after which a client that waits has seen nothing.
        self._since: Snapshot | None = None
        # What the last look saw, None if nobody looks.
        self._seen: State | None = None

    def wait(self, since: Snapshot, account_id: str | None, seconds: float) -> bool:
        """Wait for a change after the snapshot; return False if there was none.

        If too many clients wait already, return at once.
        """
        waiting = _Waiting(account_id)
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                return False
            self._waiting.add(waiting)
            self._since = since if self._since is None else _older(self._since, since)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="changes", daemon=True).start()
        try:
            return waiting.called.wait(seconds)
        finally:
            with self._lock:
                self._waiting.discard(waiting)

    def has_seen(self, history: str, since: Snapshot) -> bool:
        """Return whether the last look, for other clients, saw exactly this snapshot."""
        seen = self._seen

        return seen is not None and seen.history == history and seen.since(since) == since

    @property
    def waiting_count(self) -> int:
        """How many clients wait now."""
        return len(self._waiting)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._look_seconds)
            with self._lock:
                since, self._since = self._since, None
                if since is None or not self._waiting:
                    self._is_running, self._seen = False, None
                    return
            seen = since
            try:
                seen = self._look(since)
            except Exception as error:  # noqa: BLE001 - the next look sees the same changes
                self._seen = None  # the next clients read, and get the database's error
                logger.info("no look for changes: %s", locate(error))
            finally:
                with self._lock:
                    self._since = seen if self._since is None else _older(self._since, seen)

    def _look(self, since: Snapshot) -> Snapshot:
        """Call the clients that a change after the snapshot concerns; return the new snapshot."""
        with (
            self._connections.hold(_LOOK_TIMEOUT_SECONDS),
            time_limit(_LOOK_TIMEOUT_SECONDS),
            self._engine.connect() as connection,
        ):
            state = read_state(connection)
            accounts = _changed_accounts(connection, since)
        with self._lock:
            for waiting in self._waiting:
                if accounts is None or waiting.is_concerned(accounts):
                    waiting.called.set()
            self._seen = state

        return state.since(since)


def _changed_accounts(connection: Connection, since: Snapshot) -> Collection[str] | None:
    """Return the accounts with changes after the snapshot, None if these are too many to read."""
    ranges = (is_one_of(since.in_progress), _job.transaction_id >= literal_id(since.end))
    changes = union_all(
        *(select(_job.account_id).where(each).limit(_MAX_CHANGES) for each in ranges)
    ).limit(_MAX_CHANGES)
    accounts = connection.scalars(changes).all()

    return None if len(accounts) == _MAX_CHANGES else set(accounts)


def _older(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return the snapshot that was made first; between two, transactions only end."""
    return min(one, other, key=lambda snapshot: (snapshot.end, -len(snapshot.in_progress)))
