"""Computes a job from its events: a pure function of their set, independent of their order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from receiver.store.event import TERMINAL_STATUSES

Key = tuple[int, datetime, int, bytes]

# If two events are equally final and equally new, the source with more information is preferred.
_SOURCE_RANKS = {"callback": 3, "fetch": 2, "submission": 1, "conversation": 0}

# Replaces a missing `updated_at`. No accepted timestamp is so early.
_NO_TIME = datetime(1, 1, 2, tzinfo=UTC)

# The job's columns in which a newer event's value replaces an older one, and null replaces nothing.
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
    "additional",
)
# The job's columns about its transcript. They are replaced together.
TRANSCRIPT_COLUMNS = ("transcript_sha256", "transcript_source", "sentences")

# What an erased job keeps of these: nothing that says who spoke, or what.
_KEPT_MERGED_COLUMNS = {
    "configuration_id",
    "duration",
    "audio_started_at",
    "language",
    "created_at",
    "updated_at",
}
PERSONAL_COLUMNS = (
    *(name for name in MERGED_COLUMNS if name not in _KEPT_MERGED_COLUMNS),
    *TRANSCRIPT_COLUMNS,
)
# The members of a head that stay after an erasure. Any other is personal, also one that a later
# release adds.
KEPT_MEMBERS = ("id", "account_id", "status", "error_code", *sorted(_KEPT_MERGED_COLUMNS))

ERASURE = "erasure"  # the source of the event that erases a job


@dataclass(frozen=True, slots=True)
class FoldInput:
    """The parts of an event that the fold uses."""

    sha256: bytes
    source: str
    received_at: datetime
    head: dict[str, Any]

    @property
    def key(self) -> Key:
        """The event's place in the total order of a job's events; the highest is the newest.

        A terminal status is above any other, then newer above older, then the source with more
        information, then the higher digest, so that no two events are equal.
        """
        return (
            int(self.is_terminal),
            self.head.get("updated_at") or _NO_TIME,
            _SOURCE_RANKS[self.source],
            self.sha256,
        )

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended according to this event."""
        return self.head["status"] in TERMINAL_STATUSES

    @property
    def ended_at(self) -> datetime:
        """When the job ended according to a terminal event, but not after the event's arrival."""
        return min(self.head.get("updated_at") or self.received_at, self.received_at)


def fold(events: Iterable[FoldInput]) -> dict[str, Any]:
    """Return the job's columns from all its events, at least one, in any order.

    The events are merged in their total order. So the order and the number of their deliveries
    don't change the result.

    An erasure absorbs: if it is among the events, the personal columns are null, whatever comes
    before or after it. At least one event must be another one.
    """
    given = list(events)
    ordered = sorted(
        (event for event in given if event.source != ERASURE), key=lambda event: event.key
    )
    newest = ordered[-1]
    job: dict[str, Any] = dict.fromkeys((*MERGED_COLUMNS, *TRANSCRIPT_COLUMNS))
    for event in ordered:
        job |= _changes(job, event)
    erased_at = _first_received(event for event in given if event.source == ERASURE)
    if erased_at is not None:
        job |= dict.fromkeys(PERSONAL_COLUMNS)
    terminal, updated_at, source, sha256 = newest.key

    return job | {
        "id": newest.head["id"],
        "account_id": newest.head["account_id"],
        "status": newest.head["status"],
        "received_at": _first_received(event for event in ordered if event.source == "callback"),
        "first_seen_at": _first_received(ordered),
        "erased_at": erased_at,
        "ended_at": min((event.ended_at for event in ordered if event.is_terminal), default=None),
        "key_terminal": terminal,
        "key_updated_at": updated_at,
        "key_source": source,
        "key_sha256": sha256,
    }


def redact(head: dict[str, Any]) -> dict[str, Any]:
    """Return what an erasure leaves of a head."""
    return {name: head[name] for name in KEPT_MEMBERS if name in head}


def _changes(job: dict[str, Any], event: FoldInput) -> dict[str, Any]:
    """Return the columns that the event adds or replaces."""
    head = event.head
    changes = {name: head[name] for name in MERGED_COLUMNS if head.get(name) is not None}
    sentences = head.get("sentences")
    if sentences is None:
        return changes
    transcript = dict(zip(TRANSCRIPT_COLUMNS, (event.sha256, event.source, sentences), strict=True))
    replaces = job["sentences"] is None or _rank(transcript) >= _rank(job)

    return changes | transcript if replaces else changes


def _rank(transcript: dict[str, Any]) -> tuple[bool, bool]:
    """Return what decides between two transcripts before the order of their events does.

    An empty transcript never replaces one with sentences. A transcript that was read from a
    conversation is only a substitute: a callback's replaces it, even an older callback's.
    """
    return transcript["sentences"] > 0, transcript["transcript_source"] != "conversation"


def _first_received(events: Iterable[FoldInput]) -> datetime | None:
    return min((event.received_at for event in events), default=None)
