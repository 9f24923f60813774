"""The law of the store: a job is a pure function of the set of its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from receiver.store.event import TERMINAL

Key = tuple[int, datetime, int, bytes]

# Of two events that are equally final and equally new, the one whose source knows more wins.
_RANKS = {"callback": 3, "fetch": 2, "submission": 1, "conversation": 0}

# Stands for the time of an event that doesn't tell one; no accepted timestamp is so early.
_NEVER = datetime(1, 1, 2, tzinfo=UTC)

# The job's columns that a newer event's value replaces, and its null doesn't.
OVERLAID = (
    "configuration_id",
    "source_id",
    "media_url",
    "conversation_id",
    "conversation_url",
    "duration",
    "audio_started_at",
    "participants",
    "resolved_configuration",
    "language",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the fold needs of an event in the ledger."""

    sha256: bytes
    source: str
    received_at: datetime
    head: dict[str, Any]

    @property
    def key(self) -> Key:
        """The event's place in the one total order of a job's events.

        A terminal status is above any other, then newer above older, then the source that knows
        more, then the digest, so that no two events are equal.
        """
        return (
            int(self.head["status"] in TERMINAL),
            self.head.get("updated_at") or _NEVER,
            _RANKS[self.source],
            self.sha256,
        )


def fold(events: Iterable[Told]) -> dict[str, Any]:
    """Return the job's columns, given all its events in any order; at least one is needed.

    The events are laid over one another in their total order, so that the result depends on
    neither the order nor the number of their deliveries.
    """
    ordered = sorted(events, key=lambda told: told.key)
    newest = ordered[-1]
    job: dict[str, Any] = dict.fromkeys((*OVERLAID, "transcript_sha256", "sentences"))
    for told in ordered:
        job |= _overlay(job, told)
    terminal, updated_at, source, sha256 = newest.key

    return job | {
        "id": newest.head["id"],
        "account_id": newest.head["account_id"],
        "status": newest.head["status"],
        "received_at": _first(told for told in ordered if told.source == "callback"),
        "first_seen_at": _first(ordered),
        "key_terminal": terminal,
        "key_updated_at": updated_at,
        "key_source": source,
        "key_sha256": sha256,
    }


def _overlay(job: dict[str, Any], told: Told) -> dict[str, Any]:
    """Return what the event adds or replaces."""
    changes = {name: value for name in OVERLAID if (value := told.head.get(name)) is not None}
    sentences = told.head.get("sentences")
    # An empty transcript never replaces a full one.
    if sentences or (sentences == 0 and not job["sentences"]):
        changes |= {"transcript_sha256": told.sha256, "sentences": sentences}

    return changes


def _first(events: Iterable[Told]) -> datetime | None:
    return min((told.received_at for told in events), default=None)
