"""Finds keys whose callbacks are all quarantined, because they are of another account."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from receiver.store.event import Outcome
from receiver.store.ledger.find import LedgerFilter
from receiver.store.tables import events


def has_only_mismatches(connection: Connection, key_id: str, since: datetime) -> bool:
    """Return whether no callback of a key was used since the first one of another account.

    Only what was received since this time counts. `key_id` is a `SigningKey.stored_id`.
    """
    mismatches = LedgerFilter(
        outcome=Outcome.QUARANTINED, reason="account_mismatch", since=since
    ).conditions()
    of_key = events.c.key_id == key_id
    first_id = connection.execute(select(func.min(events.c.id)).where(of_key, *mismatches)).scalar()
    if first_id is None:
        return False
    # No index has the keys: the first id limits how many events are read.
    used = select(events.c.id).where(
        of_key, events.c.id > first_id, events.c.outcome != Outcome.QUARANTINED
    )

    return connection.execute(used.limit(1)).scalar() is None
