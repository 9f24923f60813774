"""An event's entry in the ledger, as the statements return it."""

from typing import Any, NamedTuple

from receiver.store.event import Outcome


class Recorded(NamedTuple):
    """An event's entry in the ledger: its id there, and its outcome.

    `id` is None for an event that was erased before and has no entry any more.
    """

    id: int | None
    outcome: Outcome
    reason: str | None
    detail: str | None


ABSORBED = Recorded(None, Outcome.ERASED, None, None)


def parse_entry(row: tuple[Any, ...]) -> tuple[bytes, Recorded]:
    """Return an event's digest and entry, of a row that a statement returned."""
    sha256, event_id, outcome, reason, detail, _ = row

    return sha256, Recorded(event_id, Outcome(outcome), reason, detail)
