"""A look at the database for all clients of a worker that wait: what changed since the last one."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Connection, select, union_all

from receiver.runtime.once_per_key import OncePerKey
from receiver.store.changes.read import is_one_of, literal_id
from receiver.store.changes.snapshot import BEGINNING, Snapshot
from receiver.store.changes.state import State, read_state
from receiver.store.tables import transcriptions

# The changes that one look reads. If there are more, all clients read their page.
_MAX_CHANGES = 1_000
# The pages that clients share after one look.
_MAX_PAGES_BYTES = 4 * 1024 * 1024

_job = transcriptions.c


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What one look saw, and the pages of that state, by all that they depend on."""

    began_at: float  # monotonic
    state: State
    accounts: Collection[str] | None  # with changes; None if any may have some
    pages: OncePerKey[Any] = field(default_factory=lambda: OncePerKey(max_bytes=_MAX_PAGES_BYTES))

    @classmethod
    def take(cls, connection: Connection, previous: Self | None) -> Self:
        """Look for what has changed since the previous look."""
        began_at = time.monotonic()
        state = read_state(connection)
        if previous is None:
            return cls(began_at=began_at, state=state, accounts=None)
        accounts = _changed_accounts(connection, previous.state.since(BEGINNING))

        return cls(began_at=began_at, state=state, accounts=accounts)

    def concerns(self, account_id: str | None) -> bool:
        """Return whether the account, or any if it is None, may have changes."""
        if self.accounts is None:
            return True

        return bool(self.accounts) if account_id is None else account_id in self.accounts


def _changed_accounts(connection: Connection, since: Snapshot) -> Collection[str] | None:
    """Return the accounts with changes after the snapshot, None if these are too many to read."""
    ranges = (is_one_of(since.in_progress), _job.transaction_id >= literal_id(since.end))
    changes = union_all(
        *(select(_job.account_id).where(each).limit(_MAX_CHANGES) for each in ranges)
    ).limit(_MAX_CHANGES)
    accounts = connection.scalars(changes).all()

    return None if len(accounts) == _MAX_CHANGES else set(accounts)
