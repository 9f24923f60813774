"""Rows of a CSV file as submissions: the whole file is checked before Twilio hears of any of it.

The columns have the names of Twilio's properties, and `participants` holds JSON; an empty cell is
a property that isn't given.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from marshmallow import ValidationError

from schemas.submission import Submission, canonical, format_faults, to_faults

_SUBMISSION = Submission()
_COLUMNS = tuple(each.data_key or name for name, each in _SUBMISSION.fields.items())


@dataclass(frozen=True)
class Row:
    """One job to submit: the line of the file that asks for it, and its Idempotency-Key."""

    line: int
    request: dict[str, Any]
    key: str


@dataclass
class Sheet:
    """What a file asks for, what is wrong with it, and the rows that ask for the same again."""

    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    repeated: list[Row] = field(default_factory=list)


def read_rows(lines: Iterable[str]) -> Sheet:
    """Read a CSV file; every fault in it is told with the number of its line."""
    sheet = Sheet()
    reader = csv.DictReader(lines, strict=True)
    keys: set[str] = set()
    try:
        sheet.faults += _header_faults(reader.fieldnames or ())
        if sheet.faults:
            return sheet
        end = reader.line_num
        for cells in reader:
            line, end = end + 1, reader.line_num
            _add(sheet, line, cells, keys)
    except (csv.Error, UnicodeDecodeError) as error:
        sheet.faults.append(f"line {reader.line_num + 1}: not readable: {error}.")

    return sheet


def key_of(request: Mapping[str, Any]) -> str:
    """Return the Idempotency-Key that stands for the request itself (UUID v5)."""
    return str(
        uuid5(NAMESPACE_URL, f"https://voice.twilio.com/v3/Transcriptions {canonical(request)}")
    )


def loaded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the submission that the text of its properties makes; empty ones aren't given.

    Raises ValidationError.
    """
    given = {name: value for name, value in document.items() if value}
    if "participants" in given:
        try:
            given["participants"] = json.loads(given["participants"])
        except (ValueError, RecursionError):
            raise ValidationError({"participants": ["Must be JSON."]}) from None
    request: dict[str, Any] = _SUBMISSION.load(given)

    return request


def told(error: ValidationError) -> str:
    """Return what is wrong, in one line."""
    return format_faults(to_faults(error))


def _header_faults(names: Sequence[str]) -> list[str]:
    faults = [f"line 1: {name!r} is no column of it." for name in names if name not in _COLUMNS]
    if len(set(names)) < len(names):
        faults.append("line 1: a column is there twice.")
    if "transcriptionConfigurationId" not in names:
        faults.append("line 1: there is no column transcriptionConfigurationId.")

    return faults


def _add(sheet: Sheet, line: int, cells: dict[Any, Any], keys: set[str]) -> None:
    if None in cells:
        sheet.faults.append(f"line {line}: more cells than there are columns.")
        return
    try:
        request = loaded(cells)
    except ValidationError as error:
        sheet.faults.append(f"line {line}: {told(error)}")
        return
    row = Row(line, request, key_of(request))
    (sheet.repeated if row.key in keys else sheet.rows).append(row)
    keys.add(row.key)
