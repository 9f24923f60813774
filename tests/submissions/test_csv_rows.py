"""CSV files of submissions: what a file may contain, and how its faults are reported."""

import csv
import io
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.submissions.csv_rows import Sheet, read_rows
from receiver.submissions.idempotency_keys import key_of
from tests.schemas.test_submission import CONFIGURATION, JANE, RECORDING, SMITH

HEADER = "transcriptionConfigurationId,sourceId,mediaUrl,audioStartedAt,participants"


def _read(*lines: str) -> Sheet:
    """Read the lines under a header that has all columns."""
    return read_rows(io.StringIO("\r\n".join([HEADER, *lines]), newline=""))


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
    assert len(read_rows(io.StringIO(text)).rows) == 1


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("", "the column transcriptionConfigurationId is missing"),
        ("sourceId", "the column transcriptionConfigurationId is missing"),
        ("transcriptionConfigurationId,source", "unknown column 'source'"),
        ("transcriptionConfigurationId,sourceId,sourceId", "a column is repeated"),
    ],
)
def test_invalid_header_is_the_only_fault(header: str, fault: str) -> None:
    """After an invalid header no row is read."""
    sheet = read_rows(io.StringIO(f"{header}\n1,2,3\n"))
    assert [fault in text for text in sheet.faults] == [True]
    assert sheet.rows == []


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


@given(st.lists(st.lists(st.text(max_size=20), max_size=6), max_size=6))
def test_no_cells_raise(rows: list[list[str]]) -> None:
    """Any invalid cells are reported as faults of lines."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER.split(","), *rows])
    sheet = read_rows(io.StringIO(text.getvalue(), newline=""))
    assert all(fault.startswith("line ") for fault in sheet.faults)
    assert sheet.rows == []


def test_single_participant_is_valid() -> None:
    """A row with one participant is valid."""
    participants = f'"[{{""audioChannelIndex"": {SMITH["audioChannelIndex"]}}}]"'
    assert len(_read(f"{CONFIGURATION},{RECORDING},,,{participants}").rows) == 1
