"""Legal holds: what they match is neither erased nor does its retention end."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ARRAY, Connection, Text, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from receiver.store.erasure.matching import with_address
from receiver.store.tables import ADDRESSES, holds, transcriptions

Kind = Literal["job", "address"]

# An arbitrary number that no other user of the database uses.
HOLDS_LOCK_ID = 7_146_550_023


class Hold(NamedTuple):
    """A hold, its reason, and who added it."""

    name: str
    kind: Kind
    value: str  # a job's id or a participant's address
    reason: str | None
    created_by: str
    created_at: datetime


_COLUMNS = [holds.c[name] for name in Hold._fields]

_HAS_ADDRESS = """participants @> jsonb_build_array(jsonb_build_object('address', {address}))"""


def _mentions(content: str, *, hold: str = "holds") -> str:
    """Return the SQL condition that a content of bytes contains the address of a hold."""
    # The + of a number may be written in another way.
    return f"position(convert_to(ltrim({hold}.value, '+'), 'UTF8') IN {content}) > 0"


_FIND = text(f"""
SELECT name FROM holds
WHERE kind = 'job' AND value = ANY(:job_ids)
   OR kind = 'address' AND (value = ANY(:addresses) OR EXISTS (
        SELECT FROM transcriptions
        WHERE id = ANY(:job_ids) AND {_HAS_ADDRESS.format(address="holds.value")}
   ) OR EXISTS (
        SELECT FROM events
        WHERE job_id = ANY(:job_ids) AND outcome = 'quarantined' AND {_mentions("body")}
   ) OR EXISTS (
        SELECT FROM submissions
        WHERE job_id = ANY(:job_ids) AND {_mentions("convert_to(request, 'UTF8')")}))
ORDER BY name LIMIT 1
""").bindparams(  # noqa: S608 - made of the constants above
    bindparam("job_ids", type_=ARRAY(Text(collation="C"))),
    bindparam("addresses", type_=ARRAY(Text(collation="C"))),
)

# From the first event of what the hold matched, the passes read again. Quarantined events may have
# been matched by their bodies; these are few. A sum isn't indexed: for min(id) alone, Postgres may
# read all events in the order of their ids.
_REWIND = text(f"""
UPDATE retention_progress SET last_id = LEAST(
    last_id,
    (SELECT min(id + 0) - 1 FROM events WHERE job_id = :value),
    (SELECT min(id) - 1 FROM events WHERE outcome = 'quarantined'),
    (SELECT min(events.id + 0) - 1 FROM transcriptions AS t
     JOIN events ON events.job_id = t.id COLLATE "default"
     WHERE {" OR ".join(f"{place} = :value" for place in ADDRESSES)})
)
""")  # noqa: S608 - made of the constants above


def is_held(job_id: str, *, content: str | None = None) -> str:
    """Return the SQL condition that a row is held, by its job or by an address in its text.

    `content` is an SQL expression of bytes. It is for rows that no job's row describes.
    """
    names_address = _HAS_ADDRESS.format(address="h.value")
    is_mentioned = f"OR {_mentions(content, hold='h')}" if content else ""

    return f"""EXISTS (SELECT FROM holds AS h WHERE h.kind = 'job' AND h.value = {job_id}
    OR h.kind = 'address' AND (EXISTS (
        SELECT FROM transcriptions AS j WHERE j.id = {job_id} AND j.{names_address}
    ) {is_mentioned}))"""  # noqa: S608 - constants


def lock_holds(connection: Connection) -> None:
    """Let no hold be added, and no batch of the retention run, until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(HOLDS_LOCK_ID)))


def find_hold(
    connection: Connection, *, job_ids: Collection[str] = (), addresses: Collection[str] = ()
) -> str | None:
    """Return the name of a hold that matches any of these jobs or addresses, None if none does."""
    name: str | None = connection.execute(
        _FIND, {"job_ids": list(job_ids), "addresses": list(addresses)}
    ).scalar()

    return name


def add_hold(connection: Connection, hold: Hold) -> bool:
    """Add the hold; return False if another one has its name.

    The connection is in a transaction. After its end, nothing that the hold matches is removed:
    this waits for the batch that runs now.
    """
    lock_holds(connection)
    statement = (
        insert(holds).values(hold._asdict()).on_conflict_do_nothing().returning(holds.c.name)
    )

    return connection.execute(statement).scalar() is not None


def remove_hold(connection: Connection, name: str) -> bool:
    """Remove the hold; return False if there is none with this name.

    The next pass of the retention returns to what the hold matched.
    """
    lock_holds(connection)
    removed = delete(holds).where(holds.c.name == name).returning(holds.c.value)
    value = connection.execute(removed).scalar()
    if value is None:
        return False
    connection.execute(_REWIND, {"value": value})

    return True


def count_held(connection: Connection, kind: Kind, value: str) -> int:
    """Return how many stored jobs a hold matches."""
    is_matched = with_address(value) if kind == "address" else transcriptions.c.id == value
    statement = select(func.count()).select_from(transcriptions).where(is_matched)

    return connection.execute(statement).scalar_one()


def list_holds(connection: Connection) -> Sequence[Hold]:
    """Return all holds by name."""
    rows = connection.execute(select(*_COLUMNS).order_by(holds.c.name))

    return [Hold(*row) for row in rows]
