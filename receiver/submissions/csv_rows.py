"""Reads the rows of a CSV file as submissions, and collects all faults of the file.

The columns have the names of Twilio's properties. `participants` contains JSON. An empty cell means
that the property is not given. Blanks around a cell, and rows without any cell, are ignored.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError

from receiver.submissions.csv_columns import REQUIRED_COLUMN, Columns, read_columns
from receiver.submissions.csv_text import EncodingError, decode, normalize, split_header
from receiver.submissions.idempotency_keys import key_of
from schemas.submission import Submission, format_faults, to_faults

_SUBMISSION = Submission()
# A fault quotes the cell. A URL may contain a secret, and participants are too long.
_QUOTED = {"/transcriptionConfigurationId", "/sourceId", "/audioStartedAt", "/inputSource"}
_MAX_QUOTED_CHARACTERS = 60


@dataclass(frozen=True)
class Row:
    """A job to submit: its line in the file, the request, its Idempotency-Key, and its cells."""

    line: int
    request: dict[str, Any]
    key: str
    cells: tuple[str, ...] = ()


@dataclass
class Sheet:
    """The rows of a file, its faults, and the rows that repeat an earlier row.

    `columns` and `delimiter` are those of the file; `unused_columns` are not sent to Twilio.
    """

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    repeated: list[Row] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    unused_columns: list[str] = field(default_factory=list)
    delimiter: str = ","


def read_rows(data: bytes) -> Sheet:
    """Read a CSV file; each fault names the number of its line, as an editor shows it."""
    try:
        text = decode(data)
    except EncodingError as error:
        return Sheet(faults=[str(error)])
    source = split_header(text, normalize(REQUIRED_COLUMN))
    sheet = Sheet(delimiter=source.delimiter)
    reader = csv.reader(
        io.StringIO(source.text, newline=""), delimiter=source.delimiter, strict=True
    )
    skipped = last_line = source.skipped_line_count
    keys: set[str] = set()
    try:
        columns = read_columns(next(reader, []))
        sheet.columns, sheet.unused_columns = columns.names, columns.unused
        sheet.faults += [f"line {skipped + 1}: {fault}" for fault in columns.faults]
        if sheet.faults:
            return sheet
        last_line = skipped + reader.line_num
        for cells in reader:
            # A quoted cell may span several lines.
            first_line, last_line = last_line + 1, skipped + reader.line_num
            _add(sheet, first_line, columns, [cell.strip() for cell in cells], keys)
    except csv.Error as error:
        sheet.faults.append(f"line {last_line + 1}: not readable: {error}.")

    return sheet


def load_request(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the submission of these properties; their values are text.

    Raises ValidationError.
    """
    given = {name: value for name, value in properties.items() if value}
    if "participants" in given:
        try:
            given["participants"] = json.loads(given["participants"])
        except (ValueError, RecursionError):
            raise ValidationError({"participants": ["Must be JSON."]}) from None
    request: dict[str, Any] = _SUBMISSION.load(given)

    return request


def _add(sheet: Sheet, line: int, columns: Columns, cells: Sequence[str], keys: set[str]) -> None:
    """Add a row or its fault to the sheet; `keys` has the keys of the rows before it."""
    if not any(cells):
        return
    if any(cells[len(columns.names) :]):
        sheet.faults.append(
            f"line {line}: more cells than columns: {len(cells)} instead of {len(columns.names)}."
        )
        return
    padded = (*cells, *[""] * len(columns.names))[: len(columns.names)]
    properties = {name: cell for name, cell in zip(columns.properties, padded, strict=True) if name}
    try:
        request = load_request(properties)
    except ValidationError as error:
        sheet.faults.append(f"line {line}: {_describe(error, properties)}")
        return
    row = Row(line, request, key_of(request), padded)
    (sheet.repeated if row.key in keys else sheet.rows).append(row)
    keys.add(row.key)


def _describe(error: ValidationError, properties: Mapping[str, str]) -> str:
    """Return all faults of a row in one line, with the cells that are wrong."""
    faults = to_faults(error)
    for fault in faults:
        cell = properties.get(fault["pointer"].removeprefix("/"))
        if cell and fault["pointer"] in _QUOTED:
            fault["detail"] += f" It is {cell[:_MAX_QUOTED_CHARACTERS]!r}."

    return format_faults(faults)
