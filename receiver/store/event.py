"""An event: what Twilio sent about a job, with its exact bytes and the values read from them."""

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

TERMINAL_STATUSES = frozenset({"COMPLETED", "FAILED"})


class Outcome(enum.StrEnum):
    """What happened to an event when it was recorded in the ledger."""

    APPLIED = "applied"  # to its job
    STALE = "stale"  # applied too, but a newer event of its job had arrived before
    QUARANTINED = "quarantined"  # not applied, for a Reason


Reason = Literal[
    "undecodable",  # the body isn't a JSON object
    "invalid",  # its head doesn't validate
    "unexpected_content_type",  # it came as a form, which carries no transcript
    "account_mismatch",  # the key that signed it belongs to another account
    "foreign_account",  # the job belongs to another account, whose event came first
    "internal_error",  # a fault of ours made its validation fail
    "unstorable",  # Postgres refused values that passed validation
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What Twilio sent about a job.

    A valid event has a `head`: the job's columns, as schemas.callback.Head loads them. A
    quarantined event has no head, but a `reason`, and a `detail` that explains it to the operator.
    Its `job_id` and `account_id` are only what the body claims. An event that is not validated yet
    has neither head nor reason.

    `key_id` names the key that signed it. `url`, `signature` and `signature_settings` prove this:
    the URL as it was called, and two headers (X-Twilio-Signature and
    X-Twilio-Webhooks-Signature-Settings). `deliveries` is 1 for an event that was just received,
    and 0 for one from the ledger that is validated again.
    """

    sha256: bytes  # identifies the event: the digest of its body, or of a form's signed text
    source: str  # "callback", or a receiver.events.api_events.Source
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

    def quarantined(self, reason: Reason, detail: str) -> "Event":
        """Return the event without its head, to be stored for an operator."""
        return replace(self, head=None, reason=reason, detail=detail)
