"""The file that keeps the erasures outside of the database, for after a restore.

It is NDJSON: a header, the receipts, the tombstones, and a last line with their number. A file
without that line was truncated.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine

from receiver.runtime.errors import SafeMessageError
from receiver.store.engine import transactional
from receiver.store.erasure.transfer import (
    FORMAT_VERSION,
    Row,
    adopt_key,
    export_rows,
    parse_receipt,
    parse_tombstone,
    restore_receipts,
    restore_tombstones,
)
from receiver.store.identity import skip_taken_ids
from receiver.store.tables import erasures

_BATCH_ROWS = 1000


class InvalidFileError(SafeMessageError):
    """The file isn't one that `erase export` has written, or it was cut off."""


class Header(NamedTuple):
    """The file's first line: the key of the hashes, and when the file was written."""

    key: bytes
    exported_at: datetime


class Loaded(NamedTuple):
    """What a file contains: how many tombstones, and until when there are erasures in it."""

    tombstones: int
    exported_at: datetime


def file_lines(engine: Engine) -> Iterator[str]:
    """Yield the lines of the file."""
    count = 0
    for row in export_rows(engine):
        yield json.dumps(row)
        count += 1
    yield json.dumps({"lines": count})


def load_file(engine: Engine, lines: Iterable[str]) -> Loaded:
    """Store the erasures of the file that are missing here; return what it contains.

    It may be repeated. Nothing is stored of a file that was cut off. Raises InvalidFileError or
    store.erasure.transfer.ForeignKeyError.
    """
    header, receipts, tombstones = _parse(lines)
    with transactional(engine).begin() as connection:
        adopt_key(connection, header.key)
        numbers = restore_receipts(connection, receipts)
    skip_taken_ids(engine, erasures)
    for start in range(0, len(tombstones), _BATCH_ROWS):
        with transactional(engine).begin() as connection:
            restore_tombstones(connection, tombstones[start : start + _BATCH_ROWS], numbers)

    return Loaded(len(tombstones), header.exported_at)


def _parse(lines: Iterable[str]) -> tuple[Header, list[Row], list[Row]]:
    """Return the header, the receipts and the tombstones."""
    header: Header | None = None
    receipts, tombstones, end = list[Row](), list[Row](), None
    for number, line in enumerate(lines, 1):
        try:
            row: dict[str, Any] = json.loads(line)
            if number == 1:
                header = _parse_header(row)
            elif "receipt" in row:
                receipts.append(parse_receipt(row["receipt"]))
            elif "tombstone" in row:
                tombstones.append(parse_tombstone(row["tombstone"]))
            else:
                end = row["lines"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InvalidFileError(f"line {number} is not one that `erase export` writes") from None
    if header is None or end != 1 + len(receipts) + len(tombstones):
        raise InvalidFileError("the file was cut off: its last line is missing")

    return header, receipts, tombstones


def _parse_header(row: dict[str, Any]) -> Header:
    if row["format"] != FORMAT_VERSION:
        raise ValueError(row["format"])

    exported_at = datetime.fromisoformat(row["exported_at"]).astimezone(UTC)

    return Header(bytes.fromhex(row["hash_key"]), exported_at)
