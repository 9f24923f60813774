"""CSV files of submissions: what a file may contain, and how its faults are reported."""

import csv
import io
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.submissions.csv_rows import Sheet, read_rows
from receiver.submissions.idempotency_keys import key_of
from tests.schemas.test_submission import CONFIGURATION, JANE, RECORDING, SMITH

# A file can't contain half of a surrogate pair.
_CHARACTERS = st.characters(exclude_categories=["Cs"])
SAMPLES = Path(__file__).parent / "csv_samples"

HEADER = "transcriptionConfigurationId,sourceId,mediaUrl,audioStartedAt,participants"


def _read(*lines: str) -> Sheet:
    """Read the lines under a header that has all columns."""
    return read_rows("\r\n".join([HEADER, *lines]).encode())


def test_each_line_is_a_job() -> None:
    """Empty cells are omitted, participants are JSON, and a quoted cell may span lines."""
    participants = f'"[{{""audioChannelIndex"": 1,\n""name"": ""{JANE["name"]}""}}]"'
    sheet = _read(
        f"{CONFIGURATION},{RECORDING},,,",
        f"{CONFIGURATION},,https://example.com/a.wav,2026-03-10T19:42:16Z,{participants}",
        f"{CONFIGURATION},,https://example.com/b.wav,,",
    )
    assert (sheet.faults, sheet.repeated) == ([], [])
    assert [row.line for row in sheet.rows] == [2, 3, 5]
    assert sheet.rows[0].request == {"configuration_id": CONFIGURATION, "source_id": RECORDING}
    assert sheet.rows[1].request["participants"] == [
        {"audio_channel_index": 1, "name": JANE["name"]}
    ]


def test_columns_may_be_omitted_and_reordered() -> None:
    """Only the column of the configuration is required."""
    text = f"sourceId,transcriptionConfigurationId\n{RECORDING},{CONFIGURATION}\n"
    assert len(read_rows(text.encode()).rows) == 1


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("", "the column transcriptionConfigurationId is missing"),
        ("sourceId", "the column transcriptionConfigurationId is missing"),
        ("transcriptionConfigurationId,source", "unknown column 'source'"),
        ("transcriptionConfigurationId,sourceId,sourceId", "the column sourceId is repeated"),
        ("transcriptionConfigurationId,sourceIdd", "Did you mean sourceId?"),
        ("transcriptionConfigurationId,call", "there is no column sourceId or mediaUrl"),
        ("call\u00a0no,source_id", "The columns are: 'call\\xa0no', 'source_id'"),
    ],
)
def test_invalid_header_is_the_only_fault(header: str, fault: str) -> None:
    """After an invalid header no row is read."""
    sheet = read_rows(f"{header}\n1,2,3\n".encode())
    assert [fault in text for text in sheet.faults] == [True]
    assert sheet.rows == []


@pytest.mark.parametrize(
    "name",
    ["semicolons", "tabs", "sep-line", "padded", "trailing-empties", "extra-column"],
)
def test_file_of_a_spreadsheet_is_read(name: str) -> None:
    """Other delimiters, blanks, empty rows and columns of the user's own are unambiguous."""
    sheet = read_rows((SAMPLES / f"{name}.csv").read_bytes())
    assert sheet.faults == []
    assert [row.request["source_id"][-1] for row in sheet.rows] == ["0", "1", "2"]
    assert [row.cells[: len(sheet.columns)] for row in sheet.rows] == [
        row.cells for row in sheet.rows
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encoding_is_recognized(encoding: str) -> None:
    """UTF-8 and UTF-16 are recognized, with and without a byte order mark."""
    participants = '"[{""audioChannelIndex"": 1, ""name"": ""Renée""}]"'
    text = f"{HEADER}\n{CONFIGURATION},{RECORDING},,,{participants}\n"
    [row] = read_rows(text.encode(encoding)).rows
    assert row.request["participants"] == [{"audio_channel_index": 1, "name": "Renée"}]


def test_utf16_sample_is_one_job() -> None:
    """Excel's "Unicode text" is UTF-16."""
    assert len(read_rows((SAMPLES / "utf16.csv").read_bytes()).rows) == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ((SAMPLES / "latin1.csv").read_bytes(), "line 2: byte 0xE9 is not UTF-8."),
        (b"a,b\r\rx\r\n\xe9", "line 4: byte 0xE9 is not UTF-8."),
        ("a\n".encode("utf-16") + b"x", "line 1: byte 0x78 is not UTF-16-LE."),
    ],
)
def test_other_encoding_is_a_fault(data: bytes, fault: str) -> None:
    """The fault names the line as an editor counts it, and the byte."""
    [text] = read_rows(data).faults
    assert text.startswith(fault)
    assert "CSV UTF-8" in text


def test_blank_lines_count() -> None:
    """Blank lines are no rows, but they count in the numbers of the lines."""
    sheet = read_rows((SAMPLES / "blank-lines.csv").read_bytes())
    [fault] = sheet.faults
    assert fault.startswith("line 6: /sourceId: ")
    assert fault.endswith("It is 'RE-is-wrong'.")
    assert [row.line for row in sheet.rows] == [3]


def test_line_that_names_the_delimiter_counts() -> None:
    """The line `sep=` counts in the numbers of the lines, before the header and the rows."""
    text = f"sep=;\r\nTranscription Configuration ID;source_id\r\n{CONFIGURATION};RE1\r\n"
    [fault] = read_rows(text.encode()).faults
    assert fault.startswith("line 3: /sourceId: ")
    [fault] = read_rows(b"sep=|\nsourceId|x\n").faults
    assert fault.startswith("line 2: the column transcriptionConfigurationId is missing")


def test_all_faults_have_line_numbers() -> None:
    """The faults of all lines are reported, each with its line number."""
    sheet = _read(
        f"{CONFIGURATION},{RECORDING},,,",
        "calls,,,yesterday,",
        f"{CONFIGURATION},{RECORDING},,,{{",
        f"{CONFIGURATION},{RECORDING},,,,more",
        f"{CONFIGURATION}",
    )
    assert [fault.partition(": ")[0] for fault in sheet.faults] == [
        "line 3",
        "line 4",
        "line 5",
        "line 6",
    ]
    assert sheet.faults[0].count("/") >= 2
    assert "Must be JSON" in sheet.faults[1]
    assert "more cells" in sheet.faults[2]


@pytest.mark.parametrize("line", ['a,"b', 'a,"b"c', f"{CONFIGURATION},{'a' * 200_000}"])
def test_invalid_csv_is_a_fault_of_its_line(line: str) -> None:
    """An unclosed quote and an oversized cell are faults of their line."""
    [fault] = _read(line).faults
    assert fault.startswith("line ")
    assert "not readable" in fault


def test_repeated_line_is_one_job() -> None:
    """A line that repeats an earlier request is listed as repeated and not as a row."""
    line = f"{CONFIGURATION},{RECORDING},,,"
    sheet = _read(line, line, line)
    assert [row.line for row in sheet.rows] == [2]
    assert [row.line for row in sheet.repeated] == [3, 4]
    assert {row.key for row in sheet.repeated} == {sheet.rows[0].key}


def test_key_is_derived_from_the_request() -> None:
    """Two forms of the same request have the same key; another request has another key."""
    request = {"configuration_id": CONFIGURATION, "source_id": RECORDING}
    assert key_of(request) == key_of(dict(reversed(request.items())) | {"media_url": None})
    assert key_of(request) != key_of(request | {"source_id": "RE" + "0" * 32})
    assert UUID(key_of(request)).version == 5


@given(st.lists(st.lists(st.text(_CHARACTERS, max_size=20), max_size=6), max_size=6))
def test_no_cells_raise(rows: list[list[str]]) -> None:
    """Any invalid cells are reported as faults of lines."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER.split(","), *rows])
    sheet = read_rows(text.getvalue().encode())
    assert all(fault.startswith("line ") for fault in sheet.faults)
    assert sheet.rows == []


def test_single_participant_is_valid() -> None:
    """A row with one participant is valid."""
    participants = f'"[{{""audioChannelIndex"": {SMITH["audioChannelIndex"]}}}]"'
    assert len(_read(f"{CONFIGURATION},{RECORDING},,,{participants}").rows) == 1
