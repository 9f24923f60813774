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
    ERASED = "erased"  # its job was erased, so nothing personal of it is stored


Reason = Literal[
    "undecodable",  # the body isn't a JSON object
    "invalid",  # its id, account or status can't be used
    "unexpected_content_type",  # it arrived as a form, which contains no transcript
    "account_mismatch",  # the key that signed it belongs to another account
    "foreign_account",  # the job belongs to another account, which sent an event first
    "internal_error",  # an error in our code made its validation fail
    "unstorable",  # Postgres refused values that passed validation
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What Twilio sent about a job.

    `head` holds the job's columns, from schemas.callback.load_head. Instead, a quarantined event
    has a `reason`; its `job_id` and `account_id` are what the body claims. An event before
    validation has neither head nor reason. `detail` is a sentence for the operator: why the event
    is quarantined, or which members of its body can't be used.

    `key_id` names the key that signed it, and the account of a bound key. The proof is the `url` as
    it was called, with the headers X-Twilio-Signature and X-Twilio-Webhooks-Signature-Settings.
    `deliveries` counts how often it was received this time: 0 if a stored event is validated again.
    """

    sha256: bytes  # identifies the event: the digest of its body, or of a form's signed text
    source: str  # "callback", "erasure", or a receiver.events.api_events.Source
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
