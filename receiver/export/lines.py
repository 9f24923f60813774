"""The forms of an export's lines: NDJSON, and CSV for spreadsheets.

Each line has a cursor, and the last one says whether the export is complete. So a file that was cut
shows, and can be continued.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from receiver.export.jobs import Job
from receiver.export.position import Position
from receiver.lookup.formats import FORMATS, encode_sentences
from receiver.runtime.pacing import Pause
from receiver.settings.config import Settings
from receiver.web.job_view import describe_job_at
from receiver.web.responses import encode_json
from schemas.transcription import Transcription

# Created once: creating a schema takes longer than rendering a job with it.
_JOB = Transcription()

# The columns of CSV that are members of the job.
_MEMBERS = (
    *("id", "accountId", "status", "createdAt", "updatedAt", "audioStartedAt", "receivedAt"),
    *("duration", "transcriptionConfigurationId", "sourceId", "mediaUrl", "conversationId"),
)
_PARTICIPANTS = 2  # Twilio allows no more
COLUMNS = (
    *_MEMBERS,
    "language",
    *(f"participant{n}{name}" for n in range(1, _PARTICIPANTS + 1) for name in ("Name", "Address")),
    *("sentences", "transcript", "cursor"),
)
LAST_ROW = "#export"  # no id has this character

# How a cell may begin that a spreadsheet takes for a formula (OWASP, CSV injection).
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# Such a cell is harmless, and other programs look for it.
_PHONE_NUMBER = re.compile(r"\+[0-9]{1,15}")


@dataclass(frozen=True)
class LineFormat:
    """A form of lines: what a file begins with, one job's line, and the last line."""

    content_type: str
    head: bytes
    job: Callable[[Job, Mapping[str, Any], Pause], bytes]  # with the job's view
    last: Callable[[Mapping[str, Any]], bytes]  # with its content
    has_quotes: bool  # a line break between quotation marks doesn't end a line


def render_job(
    line_format: LineFormat, job: Job, origin: str, settings: Settings, pause: Pause
) -> bytes:
    """Return the job's line; none if the job was erased."""
    if job.is_erased:
        return b""
    view = _JOB.dump(describe_job_at(origin, job.row, settings))

    return line_format.job(job, view, pause)


def render_last(line_format: LineFormat, position: Position, *, is_complete: bool) -> bytes:
    """Return the last line, with the counts of the whole export."""
    counts = position.counts.as_dict()

    return line_format.last({**counts, "cursor": position.cursor(), "complete": is_complete})


def _json_line(job: Job, view: Mapping[str, Any], pause: Pause) -> bytes:
    line = encode_json({**view, "cursor": job.position.cursor()})
    if job.document is None:
        return line
    sentences = encode_sentences(job.document, pause).encode()

    return b"".join([line[: -len(b"}\n")], b',"sentences":', sentences, b"}\n"])


def _last_json_line(content: Mapping[str, Any]) -> bytes:
    return encode_json({"export": content})


def _csv_line(job: Job, view: Mapping[str, Any], pause: Pause) -> bytes:
    text = "" if job.document is None else FORMATS["text"].render(job.document, pause).decode()
    cells = [
        *(view.get(name) for name in _MEMBERS),
        job.row["language"],
        *_participant_cells(view.get("participants") or []),
        *(job.row["sentences"], text.rstrip("\n"), job.position.cursor()),
    ]

    return _encode_row(map(_cell, cells))


def _participant_cells(participants: list[Mapping[str, Any]]) -> Iterator[Any]:
    for number in range(_PARTICIPANTS):
        participant = participants[number] if number < len(participants) else {}
        yield from (participant.get("name"), participant.get("address"))


def _cell(value: Any) -> str:
    """Return the cell's text; one that a spreadsheet would compute begins with an apostrophe."""
    text = "" if value is None else str(value)
    is_formula = _FORMULA.match(text) and not _PHONE_NUMBER.fullmatch(text)

    return f"'{text}" if is_formula else text


def _last_csv_line(content: Mapping[str, Any]) -> bytes:
    padding = [""] * (len(COLUMNS) - 2)

    return _encode_row([LAST_ROW, encode_json(content).decode().rstrip(), *padding])


def _encode_row(cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)

    return out.getvalue().encode()


LINE_FORMATS: Mapping[str, LineFormat] = MappingProxyType(
    {
        "ndjson": LineFormat(
            "application/x-ndjson", b"", _json_line, _last_json_line, has_quotes=False
        ),
        "csv": LineFormat(
            "text/csv; charset=utf-8; header=present",
            _encode_row(COLUMNS),
            _csv_line,
            _last_csv_line,
            has_quotes=True,
        ),
    }
)
