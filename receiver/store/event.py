"""What the store is told: one event, with the bytes it came in and the head they hold."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

TERMINAL = frozenset({"COMPLETED", "FAILED"})


class Outcome(enum.StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    STALE = "stale"  # it came late, and was folded all the same
    QUARANTINED = "quarantined"


Reason = Literal[
    "undecodable",  # the body isn't a JSON object
    "invalid",  # its head doesn't validate
    "unexpected_content_type",  # it came as a form, which carries no transcript
    "account_mismatch",  # the key that signed it is another account's
    "foreign_account",  # the job belongs to another account, which told of it first
    "internal_error",  # judging it failed, by a fault of ours
    "unstorable",  # Postgres refused what had passed all checks
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that Twilio told us: to be folded into its job, or quarantined with a reason.

    `head` holds the job's columns as schemas.callback.Head loads them. `reason` tells why it is
    quarantined and `detail` is a sentence for the operator; both are set if and only if it is, in
    which case `job_id` and `account_id` are what the body claims, if it claims any. An event
    that is yet to be judged has neither head nor reason.

    `key_id` names the key that signed it. What shows that is the `url` as it was called, and the
    headers X-Twilio-Signature and X-Twilio-Webhooks-Signature-Settings. `deliveries` is how
    often it came this time: not at all, where it is only judged anew.
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
    url: str | None = None
    signature: str | None = None
    signature_settings: str | None = None
    deliveries: int = 1
    reason: Reason | None = None
    detail: str | None = None
