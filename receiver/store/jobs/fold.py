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
MERGED_COLUMNS = (
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
# The job's columns that tell of its transcript; replaced together.
TRANSCRIPT_COLUMNS = ("transcript_sha256", "transcript_source", "sentences")


@dataclass(frozen=True, slots=True)
class FoldInput:
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
            int(self.is_terminal),
            self.head.get("updated_at") or _NEVER,
            _RANKS[self.source],
            self.sha256,
        )

    @property
    def is_terminal(self) -> bool:
        """Whether it tells that the job is over."""
        return self.head["status"] in TERMINAL

    @property
    def ended_at(self) -> datetime:
        """When the job was over by what a terminal event says, and at the latest when it came."""
        return min(self.head.get("updated_at") or self.received_at, self.received_at)


def fold(events: Iterable[FoldInput]) -> dict[str, Any]:
    """Return the job's columns, given all its events in any order; at least one is needed.

    The events are laid over one another in their total order, so that the result depends on
    neither the order nor the number of their deliveries.
    """
    ordered = sorted(events, key=lambda told: told.key)
    newest = ordered[-1]
    job: dict[str, Any] = dict.fromkeys((*MERGED_COLUMNS, *TRANSCRIPT_COLUMNS))
    for told in ordered:
        job |= _overlay(job, told)
    terminal, updated_at, source, sha256 = newest.key

    return job | {
        "id": newest.head["id"],
        "account_id": newest.head["account_id"],
        "status": newest.head["status"],
        "received_at": _first(told for told in ordered if told.source == "callback"),
        "first_seen_at": _first(ordered),
        "ended_at": min((told.ended_at for told in ordered if told.is_terminal), default=None),
        "key_terminal": terminal,
        "key_updated_at": updated_at,
        "key_source": source,
        "key_sha256": sha256,
    }


def _overlay(job: dict[str, Any], told: FoldInput) -> dict[str, Any]:
    """Return what the event adds or replaces."""
    changes = {name: value for name in MERGED_COLUMNS if (value := told.head.get(name)) is not None}
    sentences = told.head.get("sentences")
    if sentences is None:
        return changes
    transcript = dict(zip(TRANSCRIPT_COLUMNS, (told.sha256, told.source, sentences), strict=True))
    replaces = job["sentences"] is None or _rank(transcript) >= _rank(job)

    return changes | transcript if replaces else changes


def _rank(transcript: dict[str, Any]) -> tuple[bool, bool]:
    """Return what counts before the order: that it is full, then that the job itself brought it.

    So an empty transcript never replaces a full one; and one that was read from a conversation,
    in want of a better, gives way to a callback's however old that says it is.
    """
    return transcript["sentences"] > 0, transcript["transcript_source"] != "conversation"


def _first(events: Iterable[FoldInput]) -> datetime | None:
    return min((told.received_at for told in events), default=None)
