"""Writes erasures to a file outside of the database, and reads them after a restore.

The file is NDJSON: a header with the key of the hashes, the receipts, the tombstones. With its key,
somebody can try whether a phone number was erased, so the file is as confidential as a backup.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, exists, select, text, update
from sqlalchemy import Row as SqlRow

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.store.clock import database_now
from receiver.store.erasure.batches import read_batches
from receiver.store.erasure.tombstones import IS_HASHED, read_key, upsert_tombstones
from receiver.store.retry import query
from receiver.store.schema import APPLICATION_NAME
from receiver.store.tables import erasure_key, erasures, tombstones

FORMAT_VERSION = 1
_BATCH_ROWS = 1000
_TIMEOUT_SECONDS = 60.0

_RECEIPT_TIMES = ("requested_at", "completed_at")
_OTHER_SESSIONS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND split_part(application_name, '/', 1) = :name
""")

_COLUMNS = ", ".join(erasures.columns.keys())
_FIND_RECEIPT = text("""
SELECT erasures.id
FROM erasures, jsonb_populate_record(NULL::erasures, CAST(:row AS jsonb)) AS given
WHERE erasures.target = given.target AND erasures.requested_at = given.requested_at
""")
_RESTORE_RECEIPT = text(f"""
INSERT INTO erasures ({_COLUMNS}) OVERRIDING SYSTEM VALUE
SELECT {_COLUMNS} FROM jsonb_populate_record(NULL::erasures, CAST(:row AS jsonb))
ON CONFLICT (id) DO NOTHING RETURNING id
""")  # noqa: S608 - the column names above
_RENUMBER_RECEIPT = text(f"""
INSERT INTO erasures ({_COLUMNS.removeprefix("id, ")})
SELECT {_COLUMNS.removeprefix("id, ")}
FROM jsonb_populate_record(NULL::erasures, CAST(:row AS jsonb)) RETURNING id
""")  # noqa: S608 - the column names above

Row = Mapping[str, Any]


class ForeignKeyError(SafeMessageError):
    """The file has another key of the hashes, and this database can't take it over."""


def export_rows(engine: Engine) -> Iterator[dict[str, Any]]:
    """Yield the lines of the file. What has expired isn't among them: it expires again."""
    key = query(engine, Deadline(_TIMEOUT_SECONDS), read_key)
    at = query(engine, Deadline(_TIMEOUT_SECONDS), database_now)
    yield {"format": FORMAT_VERSION, "hash_key": key.hex(), "exported_at": at.isoformat()}
    for row in _read(engine, erasures):
        times = {name: row[name] and row[name].isoformat() for name in _RECEIPT_TIMES}
        yield {"receipt": row | times}
    for row in _read(engine, tombstones):
        if row["erasure_id"] is not None:
            yield {"tombstone": row | {"erased_at": row["erased_at"].isoformat()}}


def adopt_key(connection: Connection, key: bytes) -> None:
    """Make this the key of the hashes, if it isn't already; raises ForeignKeyError.

    Other processes remember the key as long as they are connected.
    """
    if read_key(connection) == key:
        return
    has_hashes = connection.execute(select(exists().where(IS_HASHED))).scalar()
    if has_hashes:
        raise ForeignKeyError(
            "the file was written by another database, and this one has erased addresses or "
            "conversations of its own"
        )
    if connection.execute(_OTHER_SESSIONS, {"name": APPLICATION_NAME}).scalar():
        raise ForeignKeyError(
            "the file has another key of the hashes than this database, and other processes of the "
            "service are connected, which remember the old one. Stop them, run the command again, "
            "then start them"
        )
    connection.execute(update(erasure_key).values(key=key))


def restore_receipts(connection: Connection, rows: Iterable[Row]) -> dict[int, int]:
    """Store the receipts that are missing; return each one's number in the file and here."""
    numbers = {}
    for row in rows:
        parameters = {"row": json.dumps(row)}
        number = connection.execute(_FIND_RECEIPT, parameters).scalar()
        if number is None:
            number = connection.execute(_RESTORE_RECEIPT, parameters).scalar()
        if number is None:  # another erasure has its number
            number = connection.execute(_RENUMBER_RECEIPT, parameters).scalar_one()
        numbers[row["id"]] = number

    return numbers


def restore_tombstones(
    connection: Connection, rows: Sequence[Row], numbers: Mapping[int, int]
) -> None:
    """Store the tombstones, with the numbers that their receipts have here."""
    upsert_tombstones(
        connection, [{**row, "erasure_id": numbers.get(row["erasure_id"])} for row in rows]
    )


def parse_receipt(row: Row) -> Row:
    """Return the receipt of a line; raises ValueError, KeyError or TypeError."""
    for name in _RECEIPT_TIMES:
        if row[name] is not None:
            datetime.fromisoformat(row[name])

    return {column.name: row[column.name] for column in erasures.columns}


def parse_tombstone(row: Row) -> Row:
    """Return the tombstone of a line; raises ValueError, KeyError or TypeError."""
    erased_at = datetime.fromisoformat(row["erased_at"])

    return {"key": str(row["key"]), "erased_at": erased_at, "erasure_id": row["erasure_id"]}


def _read(engine: Engine, table: Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order of its key."""
    [key] = table.primary_key.columns
    statement = select(table).order_by(key).limit(_BATCH_ROWS)
    names = table.columns.keys()

    def read(connection: Connection, after: Any) -> Sequence[SqlRow[Any]]:
        rest = statement if after is None else statement.where(key > after)
        return connection.execute(rest).all()

    for rows in read_batches(engine, read, batch_rows=_BATCH_ROWS, key=key.name):
        yield from (dict(zip(names, row, strict=True)) for row in rows)
