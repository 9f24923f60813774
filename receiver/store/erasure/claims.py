"""Reads from a body whether it belongs to an erased address, or to one on legal hold."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from receiver.store.erasure.holds import find_hold
from receiver.store.erasure.tombstones import addresses_of, hashed_keys
from receiver.store.event import Event
from schemas.callback import decode


def claim_parameters(connection: Connection, event: Event) -> dict[str, Any]:
    """Return the keys of the addresses and the conversation, and when the job began.

    A body that isn't JSON claims nothing. One without a usable time claims that its job began when
    it was received.
    """
    document = _decode(event.body)
    keys = hashed_keys(connection, document.get("participants"), document.get("conversationId"))

    return {
        "claimed_keys": keys,
        "began_at": _to_time(document.get("createdAt")) or event.received_at,
    }


def is_on_hold(connection: Connection, event: Event) -> bool:
    """Return whether a hold matches the event's job, or an address of its participants.

    What is on hold is stored, even if the other participant's address was erased.
    """
    job_ids = [] if event.job_id is None else [event.job_id]
    addresses = list(addresses_of(_decode(event.body).get("participants")))

    return find_hold(connection, job_ids=job_ids, addresses=addresses) is not None


def _decode(body: bytes) -> Mapping[str, Any]:
    try:
        return decode(body)
    except Exception:  # noqa: BLE001 - our own fault, which validation has logged, must not cost a callback
        return {}


def _to_time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None

    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
