"""The places that an erasure searches, because no index leads to what they contain."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from receiver.store.erasure.places import PLACES
from receiver.store.erasure.search import Scope
from receiver.store.event import Outcome
from receiver.store.tables import events, rejected, submissions

Place = Literal["ledger", "quarantine", "submissions", "rejected requests"]

LEDGER: Place = "ledger"
QUARANTINE: Place = "quarantine"
SUBMISSIONS: Place = "submissions"
REJECTED: Place = "rejected requests"

# An estimate is -1 for a table that was never analyzed.
_ESTIMATE = text("""
SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:relation)
""")
_RELATIONS: dict[str, str] = {
    LEDGER: "events",
    QUARANTINE: "events_quarantined",
    REJECTED: "rejected",
}


def scope_before(place: Place, at: datetime) -> Scope:
    """Return what to search of a place, for what was received before this time."""
    is_older = events.c.received_at < at
    match place:
        case "ledger":
            return Scope(events, ("head",), is_older & events.c.erased_at.is_(None))
        case "quarantine":
            is_quarantined = events.c.outcome == Outcome.QUARANTINED
            return Scope(events, PLACES[events], is_older & is_quarantined)
        case "submissions":
            return Scope(submissions, PLACES[submissions], submissions.c.created_at < at)
        case "rejected requests":
            return Scope(rejected, PLACES[rejected], rejected.c.received_at < at)


def estimate_rows(connection: Connection, place: str) -> int:
    """Return about how many rows a place, or a table, has; counting them would read all of it."""
    relation = _RELATIONS.get(place, place)

    return int(connection.execute(_ESTIMATE, {"relation": relation}).scalar() or 0)
