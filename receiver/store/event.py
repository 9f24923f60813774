"""What the store is told: one event, with the bytes it came in and the head they hold."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TERMINAL = frozenset({"COMPLETED", "FAILED"})

# Of two events that are equally final and equally new, the one whose source knows more wins.
_RANKS = {"callback": 3, "fetch": 2, "submission": 1, "conversation": 0}

# Stands for the time of an event that doesn't tell one; no accepted timestamp is so early.
NEVER = datetime(1, 1, 2, tzinfo=UTC)

Key = tuple[int, datetime, int, bytes]


class Outcome(enum.StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    STALE = "stale"  # it came late, and was folded all the same
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that Twilio told us: to be folded into its job, or quarantined with a reason.

    `head` holds the job's columns as schemas.callback.Head loads them. `reason` is a code and
    `detail` a sentence for the operator; both are set if and only if the event is quarantined,
    in which case `job_id` and `account_id` are what the body claims, if it claims any.
    """

    sha256: bytes
    source: str
    body: bytes
    received_at: datetime
    job_id: str | None
    account_id: str | None
    head: dict[str, Any] | None = None
    content_type: str | None = None
    idempotency_token: str | None = None
    key_id: str | None = None
    reason: str | None = None
    detail: str | None = None


def order_key(sha256: bytes, source: str, head: dict[str, Any]) -> Key:
    """Return the event's place in the one total order of a job's events.

    A terminal status is above any other, then newer above older, then the source that knows
    more, then the digest, so that no two events are equal.
    """
    return (
        int(head["status"] in TERMINAL),
        head.get("updated_at") or NEVER,
        _RANKS[source],
        sha256,
    )
