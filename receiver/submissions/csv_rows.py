"""Reads the rows of a CSV file as submissions, and collects all faults of the file.

The columns have the names of Twilio's properties. `participants` contains JSON. An empty cell means
that the property is not given.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError

from receiver.submissions.idempotency_keys import key_of
from schemas.submission import Submission, format_faults, to_faults

_SUBMISSION = Submission()
_COLUMNS = tuple(each.data_key or name for name, each in _SUBMISSION.fields.items())


@dataclass(frozen=True)
class Row:
    """A job to submit: its line in the file, the request, and its Idempotency-Key."""

    line: int
    request: dict[str, Any]
    key: str


@dataclass
class Sheet:
    """The rows of a file, its faults, and the rows that repeat an earlier row."""

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    repeated: list[Row] = field(default_factory=list)


def read_rows(lines: Iterable[str]) -> Sheet:
    """Read a CSV file; each fault names the number of its line."""
    sheet = Sheet()
    reader = csv.DictReader(lines, strict=True)
    keys: set[str] = set()
    try:
        sheet.faults += _header_faults(reader.fieldnames or ())
        if sheet.faults:
            return sheet
        last_line = reader.line_num
        for cells in reader:
            # A quoted cell may span several lines.
            first_line, last_line = last_line + 1, reader.line_num
            _add(sheet, first_line, cells, keys)
    except (csv.Error, UnicodeDecodeError) as error:
        sheet.faults.append(f"line {reader.line_num + 1}: not readable: {error}.")

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


def describe_error(error: ValidationError) -> str:
    """Return all faults in one line."""
    return format_faults(to_faults(error))


def _header_faults(names: Sequence[str]) -> list[str]:
    faults = [f"line 1: unknown column {name!r}." for name in names if name not in _COLUMNS]
    if len(set(names)) < len(names):
        faults.append("line 1: a column is repeated.")
    if "transcriptionConfigurationId" not in names:
        faults.append("line 1: the column transcriptionConfigurationId is missing.")

    return faults


def _add(sheet: Sheet, line: int, cells: dict[Any, Any], keys: set[str]) -> None:
    """Add a row or its fault to the sheet; `keys` has the keys of the rows before it."""
    if None in cells:
        sheet.faults.append(f"line {line}: more cells than columns.")
        return
    try:
        request = load_request(cells)
    except ValidationError as error:
        sheet.faults.append(f"line {line}: {describe_error(error)}")
        return
    row = Row(line, request, key_of(request))
    (sheet.repeated if row.key in keys else sheet.rows).append(row)
    keys.add(row.key)
