"""What an unusable body claims about itself, so that nothing of an erased address is stored."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from receiver.store.erasure.tombstones import hashed_keys
from receiver.store.event import Event
from schemas.callback import UndecodableError, decode


def claim_parameters(connection: Connection, event: Event) -> dict[str, Any]:
    """Return the keys of the addresses and the conversation, and when the job began.

    A body that isn't JSON claims nothing. One without a usable time claims that its job began when
    it was received.
    """
    try:
        document = decode(event.body)
    except (UndecodableError, RecursionError):
        document = {}
    keys = hashed_keys(connection, document.get("participants"), document.get("conversationId"))

    return {
        "claimed_keys": keys,
        "began_at": _to_time(document.get("createdAt")) or event.received_at,
    }


def _to_time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None

    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
