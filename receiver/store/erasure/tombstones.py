"""Tombstones: what was erased or has expired, so that nothing stores it again.

A tombstone's key is its kind and a value. Of jobs it is the id, and of bodies the digest. Addresses
and conversations are personal, so only a hash of them is stored. The hash has a key, which each
database makes for itself. Somebody who has that key too can try all phone numbers, so the hash
protects receipts and logs, but not a stolen database.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import erasure_key, tombstones

Kind = Literal["job", "address", "conversation", "sha256"]

_HASHED_KINDS = ("address", "conversation")

# The tombstones that match a row of a job whatever the time: a column `id`, and `key_sha256` for
# the digest of its only event.
_CERTAIN_KEYS = "ARRAY['job:' || id, 'sha256:' || encode(key_sha256, 'hex')]"


def _hashed(kind: str, value: str) -> str:
    digest = f"sha256(erasure_key.key || convert_to({value}, 'UTF8'))"

    return f"SELECT '{kind}:' || encode({digest}, 'hex') FROM erasure_key"  # noqa: S608 - constants


# The tombstones that match it if the job began before them. Hashing costs some microseconds, so a
# database without such tombstones doesn't do it; their kinds are the first ones by the alphabet.
_LATER_KEYS = f"""CASE WHEN (SELECT EXISTS (SELECT FROM tombstones WHERE key < 'd')) THEN ARRAY(
    {_hashed("address", "address #>> '{}'")},
        jsonb_path_query(participants, '$[*].address') AS address
    UNION ALL {_hashed("conversation", "conversation_id")} WHERE conversation_id IS NOT NULL
) END"""  # noqa: S608 - made of constants

# Whether a row of a job, of one event, matches a tombstone.
HAS_TOMBSTONE = f"""EXISTS (
    SELECT FROM tombstones WHERE tombstones.key = ANY({_CERTAIN_KEYS} || {_LATER_KEYS})
)"""

_FIND = f"""
SELECT tombstones.key, tombstones.erased_at
FROM jsonb_populate_recordset(NULL::transcriptions, %(jobs)s) AS job
JOIN tombstones ON tombstones.key = ANY({_CERTAIN_KEYS} || {_LATER_KEYS})
"""  # noqa: S608 - made of the constants above


class Tombstone(NamedTuple):
    """What was erased, and when."""

    key: str
    erased_at: datetime

    @property
    def is_certain(self) -> bool:
        """Whether it matches by the job's id or the body's digest, so the time doesn't matter."""
        return not self.key.startswith(_HASHED_KINDS)

    @property
    def is_digest(self) -> bool:
        """Whether only one body is concerned, not its job."""
        return self.key.startswith("sha256:")


def find_tombstones(connection: Connection, parameters: dict[str, object]) -> list[Tombstone]:
    """Return the tombstones that match one event; `parameters` are those that record it."""
    rows = connection.exec_driver_sql(_FIND, {"jobs": parameters["jobs"]})

    return [Tombstone(*row) for row in rows]


def read_key(connection: Connection) -> bytes:
    """Return the key of the hashes."""
    key: bytes = connection.execute(select(erasure_key.c.key)).scalar_one()

    return key


def tombstone_key(kind: Kind, value: str, key: bytes) -> str:
    """Return the key of a tombstone; `key` is that of the hashes."""
    if kind in _HASHED_KINDS:
        value = hashlib.sha256(key + value.encode()).hexdigest()

    return f"{kind}:{value}"


def add_tombstones(
    connection: Connection, keys: Sequence[str], at: datetime, erasure_id: int | None = None
) -> None:
    """Store the tombstones; a repeated one gets the later time, so it erases later jobs too."""
    if not keys:
        return
    given = insert(tombstones).values(
        [{"key": key, "erased_at": at, "erasure_id": erasure_id} for key in sorted(set(keys))]
    )
    connection.execute(
        given.on_conflict_do_update(
            index_elements=[tombstones.c.key],
            set_={"erased_at": given.excluded.erased_at, "erasure_id": given.excluded.erasure_id},
            where=tombstones.c.erased_at < given.excluded.erased_at,
        )
    )
