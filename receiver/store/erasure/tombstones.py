"""Tombstones: what was erased or has expired, so that nothing stores it again.

A tombstone's key is its kind and a value. The value is a body's digest or a job's id. If an account
follows the id, only that account's callbacks are kept out. Otherwise an account could claim the id
of another's job, and have it erased before its callback arrives.

Addresses and conversations are personal, so only a hash of them is stored. The hash has a key,
which each database makes for itself. Somebody who has that key too can try all phone numbers, so
the hash protects receipts and logs, but not a stolen database.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.dialects.postgresql import insert

from receiver.settings.keys import bound_account
from receiver.store.event import Event
from receiver.store.tables import erasure_key, tombstones

HASHED_KINDS = ("address", "conversation")
# Their keys are the first ones by the alphabet, so the index finds them.
IS_HASHED = tombstones.c.key < "d"

# In `Connection.info`, which lives as long as the connection to the server.
_KEY = "erasure_key"


class Tombstone(NamedTuple):
    """What was erased, and when."""

    key: str
    erased_at: datetime

    @property
    def is_certain(self) -> bool:
        """Whether it matches by the job's id or the body's digest, so the time doesn't matter."""
        return not self.key.startswith(HASHED_KINDS)

    @property
    def is_digest(self) -> bool:
        """Whether only one body is concerned, not its job."""
        return self.key.startswith("sha256:")


def find_tombstones(connection: Connection, keys: Sequence[str]) -> list[Tombstone]:
    """Return the tombstones with these keys."""
    statement = select(tombstones.c.key, tombstones.c.erased_at).where(tombstones.c.key.in_(keys))

    return [Tombstone(*row) for row in connection.execute(statement)]


def is_kept_out(connection: Connection, event: Event) -> bool:
    """Return whether nothing of the event is stored, because its job or its body was erased."""
    keys = event_keys(connection, event)

    return any(each.is_certain for each in find_tombstones(connection, keys))


def has_tombstone(keys: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that there is a tombstone with one of these keys."""
    return select(tombstones.c.key).where(tombstones.c.key.in_(keys)).exists()


def job_key(job_id: str, account_id: str | None = None) -> str:
    """Return the key of a job's tombstone: for what this account sends of it, or for everything."""
    return f"job:{job_id}" if account_id is None else f"job:{job_id}:{account_id}"


def parse_job_key(key: str) -> tuple[str, str | None]:
    """Return the id and the account of a job's key; ids contain no colon."""
    _, job_id, *account = key.split(":")

    return job_id, account[0] if account else None


def job_keys(job_id: str | None, account_id: str | None) -> list[str]:
    """Return the keys that keep out what this account sends of a job; none without an id."""
    return [] if job_id is None else sorted({job_key(job_id), job_key(job_id, account_id)})


def event_keys(connection: Connection, event: Event) -> list[str]:
    """Return the keys of all tombstones that an event can match.

    If an unusable body claims no account, it is that of the key that signed it.
    """
    account_id = event.account_id or bound_account(event.key_id)
    keys = [*job_keys(event.job_id, account_id), f"sha256:{event.sha256.hex()}"]
    head = event.head or {}

    return keys + hashed_keys(connection, head.get("participants"), head.get("conversation_id"))


def hashed_keys(connection: Connection, participants: object, conversation_id: object) -> list[str]:
    """Return the keys of the participants' addresses and of the conversation."""
    hashed = [("address", address) for address in addresses_of(participants)]
    if conversation_id and isinstance(conversation_id, str):
        hashed.append(("conversation", conversation_id))
    if not hashed:
        return []
    key = _cached_key(connection)

    # Without the key, no hash can match. A partial restore must not cost a callback.
    return [tombstone_key(kind, value, key) for kind, value in hashed] if key else []


def addresses_of(participants: object) -> Iterator[str]:
    """Yield the addresses; a head's participants are a list of anything."""
    for participant in participants if isinstance(participants, list) else ():
        address = participant.get("address") if isinstance(participant, dict) else None
        if isinstance(address, str):
            yield address


def _cached_key(connection: Connection) -> bytes | None:
    """Return the key of the hashes, which is read once for each connection to the server."""
    key: bytes | None = connection.info.get(_KEY)
    if key is None:
        key = connection.info[_KEY] = _select_key(connection)

    return key


def read_key(connection: Connection) -> bytes:
    """Return the key of the hashes; make one if the table has lost its row."""
    key = _select_key(connection)
    if key is None:
        made = insert(erasure_key).values(key=secrets.token_bytes(32))
        connection.execute(made.on_conflict_do_nothing())
        key = _select_key(connection) or b""

    return key


def _select_key(connection: Connection) -> bytes | None:
    key: bytes | None = connection.execute(select(erasure_key.c.key)).scalar()

    return key


def tombstone_key(kind: str, value: str, key: bytes) -> str:
    """Return the key of a tombstone; `key` is that of the hashes."""
    if kind in HASHED_KINDS:
        # JSON may contain a lone surrogate, which is no reason to fail.
        value = hashlib.sha256(key + value.encode(errors="surrogatepass")).hexdigest()

    return f"{kind}:{value}"


def add_tombstones(
    connection: Connection, keys: Sequence[str], at: datetime, erasure_id: int | None = None
) -> None:
    """Store the tombstones; a repeated one gets the later time, so it erases later jobs too."""
    upsert_tombstones(
        connection,
        [{"key": key, "erased_at": at, "erasure_id": erasure_id} for key in sorted(set(keys))],
    )


def upsert_tombstones(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the rows as `add_tombstones` does; each key may occur once."""
    if not rows:
        return
    given = insert(tombstones).values(rows)
    connection.execute(
        given.on_conflict_do_update(
            index_elements=[tombstones.c.key],
            set_={"erased_at": given.excluded.erased_at, "erasure_id": given.excluded.erasure_id},
            where=tombstones.c.erased_at < given.excluded.erased_at,
        )
    )
