"""Finds how much of an export a file contains, so that a truncated one can be continued."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from receiver.export.lines import LAST_ROW, LINE_FORMATS
from receiver.export.position import CursorError, Position, parse_cursor
from receiver.runtime.errors import SafeMessageError

_CHUNK_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class NotResumableError(SafeMessageError):
    """The file isn't an export, or has no complete line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The part of a file that stays, and where the export continues."""

    format_name: str
    is_compressed: bool
    size_bytes: int
    position: Position
    is_complete: bool


class _End(NamedTuple):
    """The end of what was read of a file."""

    job_row: bytes = b""  # the last one
    jobs_bytes: int = 0  # up to the end of `job_row`
    last_row: bytes = b""  # with the counts
    all_bytes: int = 0  # up to the end of the last complete row


class _Rows:
    """The rows of a file that is read in chunks."""

    def __init__(self, format_name: str) -> None:
        self.format_name = format_name
        self.end = _End()
        self._row = bytearray()
        self._quotes = 0

    @property
    def is_between_rows(self) -> bool:
        return not self._row

    def feed(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line + b"\n")
            # A line break within quotation marks belongs to a cell.
            if not (LINE_FORMATS[self.format_name].has_quotes and self._quotes % 2):
                self._end_row()
        self._add(rest)

    def _add(self, data: bytes) -> None:
        self._row += data
        self._quotes += data.count(b'"')

    def _end_row(self) -> None:
        row = bytes(self._row)
        self._row.clear()
        self._quotes = 0
        all_bytes = self.end.all_bytes + len(row)
        if _is_last(row):
            self.end = self.end._replace(last_row=row, all_bytes=all_bytes)
        elif row == LINE_FORMATS[self.format_name].head:
            self.end = self.end._replace(all_bytes=all_bytes)
        else:
            self.end = _End(row, all_bytes, b"", all_bytes)


def compress_part(data: bytes) -> bytes:
    """Return some lines in gzip's format; such parts, one after the other, are one file."""
    return gzip.compress(data, mtime=0)


def find_written(file: BinaryIO) -> Written:
    """Return what stays of the file; raises NotResumableError.

    A compressed file must consist of parts of `compress_part`.
    """
    is_compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    file.seek(0)
    rows = None
    found = None
    for data, part_end in _parts(file) if is_compressed else _chunks(file):
        if rows is None and data:
            rows = _Rows("ndjson" if data.startswith(b"{") else "csv")
        if rows is None:
            continue
        rows.feed(data)
        if not is_compressed:
            found = rows.end
        elif part_end is not None and rows.is_between_rows:
            found = rows.end._replace(jobs_bytes=part_end, all_bytes=part_end)
    if rows is None or found is None or not (found.job_row or found.last_row):
        raise NotResumableError("it has no complete line of an export; begin anew")

    return _describe(rows.format_name, found, is_compressed=is_compressed)


def _describe(format_name: str, end: _End, *, is_compressed: bool) -> Written:
    try:
        content = _last_content(end.last_row)
        is_complete = content is not None and content["complete"] is True
        # What follows the last job's row is a last line that says that jobs are missing.
        cursor = content["cursor"] if is_complete and content else _cursor_of(end.job_row)
        position = parse_cursor(cursor)
    except (CursorError, ValueError, KeyError, TypeError):
        raise NotResumableError("it is not an export, or damaged") from None

    return Written(
        format_name=format_name,
        is_compressed=is_compressed,
        size_bytes=end.all_bytes if is_complete else end.jobs_bytes,
        position=position,
        is_complete=is_complete,
    )


def _is_last(row: bytes) -> bool:
    return row.startswith((b'{"export":', f"{LAST_ROW},".encode()))


def _last_content(row: bytes) -> dict[str, Any] | None:
    """Return the content of the last line, None if there is none."""
    if not row:
        return None
    content: dict[str, Any] = (
        json.loads(row)["export"] if row.startswith(b"{") else json.loads(_cells(row)[1])
    )

    return content


def _cursor_of(row: bytes) -> str:
    return str(json.loads(row)["cursor"] if row.startswith(b"{") else _cells(row)[-1])


def _cells(row: bytes) -> list[str]:
    return next(csv.reader(row.decode().splitlines(keepends=True)), [""])


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, None]]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk, None


def _parts(file: BinaryIO) -> Iterator[tuple[bytes, int | None]]:
    """Yield the data of a compressed file, and the end of each part in the file with its last."""
    decompressor = zlib.decompressobj(_GZIP)
    while chunk := file.read(_CHUNK_BYTES):
        while chunk:
            try:
                data = decompressor.decompress(chunk)
            except zlib.error:  # the file was cut, and then written to
                return
            chunk = decompressor.unused_data
            yield data, file.tell() - len(chunk) if decompressor.eof else None
            if decompressor.eof:
                decompressor = zlib.decompressobj(_GZIP)
