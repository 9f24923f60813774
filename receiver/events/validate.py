"""Judging a signed body: what it tells of its job, and why it is quarantined if it is."""

import logging
from dataclasses import replace
from hashlib import sha256
from typing import Any

from marshmallow import ValidationError

from receiver.runtime.errors import ReceiverError, locate
from receiver.store.event import Event, Reason
from schemas.callback import Head, UndecodableError, decode
from schemas.storable import Identifier

logger = logging.getLogger(__name__)

_HEAD = Head()
_IDENTIFIER = Identifier()


class _InvalidError(ReceiverError):
    """A reason to quarantine: its code, and a sentence that holds nothing of the body."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = detail


def validate(event: Event, account: str | None) -> Event:
    """Return the event with its head, or with the reason for which it has none.

    `account` is the one to which the key that signed it is bound, if it is bound. It raises
    nothing, for the body must be kept.
    """
    try:
        return _applicable(event, account)
    except Exception as error:  # noqa: BLE001 - a fault of ours must not cost a transcript
        logger.error("judging failed: %s", locate(error))  # noqa: TRY400 - no text of its own
        return quarantined(event, "internal_error", f"{type(error).__name__} while judging it.")


def quarantined(event: Event, reason: Reason, detail: str) -> Event:
    """Return the event without its head, kept for an operator to look at."""
    return replace(event, head=None, reason=reason, detail=detail)


def _applicable(event: Event, account: str | None) -> Event:
    try:
        document = _document(event)
    except _InvalidError as doubt:
        return quarantined(event, doubt.reason, doubt.detail)
    try:
        head = _head(document, account)
    except _InvalidError as doubt:
        return replace(
            quarantined(event, doubt.reason, doubt.detail),
            job_id=_claim(document, "id"),
            account_id=_claim(document, "accountId"),
        )

    return replace(event, head=head, job_id=head["id"], account_id=head["account_id"])


def _document(event: Event) -> dict[str, Any]:
    # Of a form only the fields are signed, which are another text than its bytes. The header says
    # nothing: whoever replays a callback may change it, and a proxy too.
    if sha256(event.body).digest() != event.sha256:
        raise _InvalidError(
            "unexpected_content_type", "It came as a form, which carries no transcript."
        )
    try:
        return decode(event.body)
    except UndecodableError as error:
        raise _InvalidError("undecodable", f"The body is {error}.") from error


def _claim(document: dict[str, Any], member: str) -> str | None:
    """Return the id that the body claims, if it is one: it lets the operator find the body."""
    try:
        return _IDENTIFIER.deserialize(document.get(member))
    except ValidationError:
        return None


def _head(document: dict[str, Any], account: str | None) -> dict[str, Any]:
    try:
        head: dict[str, Any] = _HEAD.load(document)
    except ValidationError as error:
        raise _InvalidError("invalid", _sentence(error.messages_dict)) from error
    if account is not None and account != head["account_id"]:
        raise _InvalidError("account_mismatch", f"It was signed with the key of account {account}.")

    return head


def _sentence(messages: dict[str, list[str]]) -> str:
    return " ".join(f"{member}: {' '.join(texts)}" for member, texts in sorted(messages.items()))
