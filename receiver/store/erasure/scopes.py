"""The places that an erasure searches, because no index leads to what they contain."""

from datetime import datetime
from typing import Literal

from receiver.store.erasure.places import PLACES
from receiver.store.erasure.search import Scope
from receiver.store.event import Outcome
from receiver.store.tables import events, rejected, submissions

Place = Literal["ledger", "quarantine", "submissions", "rejected requests"]

LEDGER: Place = "ledger"
QUARANTINE: Place = "quarantine"
SUBMISSIONS: Place = "submissions"
REJECTED: Place = "rejected requests"

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


def relation_of(place: str) -> str:
    """Return the table or the index that has the rows of a place, or of a table."""
    return _RELATIONS.get(place, place)
