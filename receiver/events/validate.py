"""Validates events: each gets its job's head, or a reason why it is quarantined."""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from receiver.events.error_code import error_code
from receiver.runtime.errors import locate
from receiver.signatures.signature import Verified
from receiver.store.event import Event
from schemas.callback import UndecodableError, decode, load_head
from schemas.storable import Identifier, is_storable

logger = logging.getLogger(__name__)

MAX_HEADER_CHARACTERS = 256

_IDENTIFIER = Identifier()


def validate(verified: Verified, *, received_at: datetime, idempotency_token: str | None) -> Event:
    """Return the event of a verified callback, validated; it never raises.

    `idempotency_token` is the header I-Twilio-Idempotency-Token.
    """
    request = verified.request
    event = Event(
        sha256=verified.digest,
        source="callback",
        body=verified.body,
        received_at=received_at,
        job_id=None,
        account_id=None,
        content_type=_storable(request.content_type, MAX_HEADER_CHARACTERS),
        idempotency_token=_storable(idempotency_token, MAX_HEADER_CHARACTERS),
        key_id=verified.key.stored_id,
        url=_storable(request.url),
        signature=_storable(request.signature),
        signature_settings=_storable(request.settings),
    )

    return validate_callback(event, verified.key.account, is_form=verified.is_form)


def validate_callback(event: Event, account: str | None, *, is_form: bool) -> Event:
    """Return a callback's event with its head, or quarantined with a reason; it never raises.

    `account` is the account that the signing key is bound to, None if it is bound to none. Only a
    form's fields are signed, not its bytes, so a form is never decoded.
    """
    if is_form:
        detail = "It arrived as a form, which contains no transcript."
        return event.quarantined("unexpected_content_type", detail)
    try:
        validated = validate_document(event)
        if validated.head and account not in {None, validated.account_id}:
            detail = f"It was signed with the key of account {account}."
            return validated.quarantined("account_mismatch", detail)
    except Exception as error:  # noqa: BLE001 - our own fault must not cost a transcript
        logger.error("validation failed: %s", locate(error))  # noqa: TRY400 - the text may quote the body
        detail = f"{type(error).__name__} during validation."
        return event.quarantined("internal_error", detail)

    return validated


def validate_document(event: Event) -> Event:
    """Return the event with the head of its JSON body, or quarantined with a reason.

    The detail of an event with a head names the members that can't be used, if there are any. A
    quarantined event keeps the ids that its body claims, so that an operator can find it.
    """
    try:
        document = decode(event.body)
    except UndecodableError as error:
        return event.quarantined("undecodable", f"The body is {error}.")
    try:
        head, unusable = load_head(document)
    except ValidationError as error:
        claimed = replace(
            event, job_id=_claim(document, "id"), account_id=_claim(document, "accountId")
        )
        return claimed.quarantined("invalid", _sentence(error.messages_dict))
    if head["status"] == "FAILED" and (code := error_code(document)):
        head["error_code"] = code

    detail = f"Not used: {_sentence(unusable)}" if unusable else None

    return replace(
        event, head=head, job_id=head["id"], account_id=head["account_id"], detail=detail
    )


def _claim(document: dict[str, Any], member: str) -> str | None:
    """Return the id that the document claims, None if it isn't a valid id."""
    try:
        claimed: str = _IDENTIFIER.deserialize(document.get(member))
    except ValidationError:
        return None

    return claimed


def _sentence(messages: dict[str, list[str]]) -> str:
    return " ".join(f"{member}: {' '.join(texts)}" for member, texts in sorted(messages.items()))


def _storable(value: str | None, max_characters: int | None = None) -> str | None:
    """Return what Postgres can store of a header's value, cut to the given length."""
    return value[:max_characters] if value and is_storable(value) else None
