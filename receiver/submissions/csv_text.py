"""Decodes a CSV file as spreadsheets save it: its encoding, and the character between its cells."""

import codecs
import csv
import re
from dataclasses import dataclass

from receiver.runtime.errors import ReceiverError

DELIMITERS = (",", ";", "\t")

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Excel writes and reads this line: it names the delimiter.
_SEPARATOR_LINE = re.compile(r"sep=(.)[ \t,;]*(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EncodingError(ReceiverError):
    """The file isn't UTF-8 or UTF-16; the message names the line and the byte."""


@dataclass(frozen=True)
class CsvText:
    """The text of a file from its header on, its delimiter, and the number of lines before it."""

    text: str
    delimiter: str
    skipped_line_count: int


def decode(data: bytes) -> str:
    """Return the text of the file: UTF-8, or UTF-16 if the first character shows it.

    Raises EncodingError. Other encodings, such as Latin-1, can't be recognized reliably: a wrong
    guess would change the names of people.
    """
    encoding, mark = _encoding_of(data)
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        position = error.start + len(mark)
        line = len(_LINE_END.findall(data[:position])) + 1 if encoding == "utf-8" else 1
        raise EncodingError(
            f"line {line}: byte 0x{data[position]:02X} is not {encoding.upper()}. Save the file as "
            '"CSV UTF-8".'
        ) from error


def split_header(text: str, required_column: str) -> CsvText:
    """Find the delimiter: a line `sep=;` names it, else the header with the required column."""
    if match := _SEPARATOR_LINE.match(text):
        return CsvText(text[match.end() :], match[1], skipped_line_count=1)
    header = next(iter(text.splitlines()), "")
    for delimiter in DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        if required_column in map(normalize, cells):
            return CsvText(text, delimiter, skipped_line_count=0)

    return CsvText(text, DELIMITERS[0], skipped_line_count=0)


def normalize(name: str) -> str:
    """Return a column's name in lower case, without blanks, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()


def _encoding_of(data: bytes) -> tuple[str, bytes]:
    """Return the encoding, and the byte order mark that the file begins with."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return encoding, mark
    # UTF-16 without a mark: one byte of the first ASCII character is zero.
    if data[1:2] == b"\0":
        return "utf-16-le", b""
    if data[:1] == b"\0":
        return "utf-16-be", b""

    return "utf-8", b""
