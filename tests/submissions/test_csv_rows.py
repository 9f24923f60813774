"""A CSV file as submissions: what it may hold, and how its faults are told."""

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


def read(*lines: str) -> Sheet:
    """Read the lines under a header that has all columns."""
    return read_rows(io.StringIO("\r\n".join([HEADER, *lines]), newline=""))


def test_each_line_is_a_job() -> None:
    """Empty cells aren't given, participants are JSON, and a quoted cell may span lines."""
    people = f'"[{{""audioChannelIndex"": 1,\n""name"": ""{JANE["name"]}""}}]"'
    sheet = read(
        f"{CONFIGURATION},{RECORDING},,,",
        f"{CONFIGURATION},,https://example.com/a.wav,2026-03-10T19:42:16Z,{people}",
        f"{CONFIGURATION},,https://example.com/b.wav,,",
    )
    assert (sheet.faults, sheet.repeated) == ([], [])
    assert [row.line for row in sheet.rows] == [2, 3, 5]
    assert sheet.rows[0].request == {"configuration_id": CONFIGURATION, "source_id": RECORDING}
    assert sheet.rows[1].request["participants"] == [
        {"audio_channel_index": 1, "name": JANE["name"]}
    ]


def test_columns_may_be_few_and_in_any_order() -> None:
    """Only the configuration's is required."""
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
def test_a_header_that_is_wrong(header: str, fault: str) -> None:
    """It is told, and nothing below is looked at."""
    sheet = read_rows(io.StringIO(f"{header}\n1,2,3\n"))
    assert [fault in text for text in sheet.faults] == [True]
    assert sheet.rows == []


def test_all_faults_are_told_with_their_lines() -> None:
    """One line's fault doesn't hide another's."""
    sheet = read(
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
def test_what_is_no_csv_is_told(line: str) -> None:
    """A quote without its end and a cell without bound are faults of a line."""
    [fault] = read(line).faults
    assert fault.startswith("line ")
    assert "not readable" in fault


def test_the_same_job_twice_is_one() -> None:
    """A line that asks for the same again is told of and left out."""
    line = f"{CONFIGURATION},{RECORDING},,,"
    sheet = read(line, line, line)
    assert [row.line for row in sheet.rows] == [2]
    assert [row.line for row in sheet.repeated] == [3, 4]
    assert {row.key for row in sheet.repeated} == {sheet.rows[0].key}


def test_the_key_is_the_requests() -> None:
    """It is the same however the request is written, and another for every other request."""
    request = {"configuration_id": CONFIGURATION, "source_id": RECORDING}
    assert key_of(request) == key_of(dict(reversed(request.items())) | {"media_url": None})
    assert key_of(request) != key_of(request | {"source_id": "RE" + "0" * 32})
    assert UUID(key_of(request)).version == 5


@given(st.lists(st.lists(st.text(max_size=20), max_size=6), max_size=6))
def test_whatever_a_file_holds_its_faults_are_told(rows: list[list[str]]) -> None:
    """No cells make the reader fail."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER.split(","), *rows])
    sheet = read_rows(io.StringIO(text.getvalue(), newline=""))
    assert all(fault.startswith("line ") for fault in sheet.faults)
    assert sheet.rows == []


def test_smith_may_be_alone() -> None:
    """One participant is enough for the form."""
    people = f'"[{{""audioChannelIndex"": {SMITH["audioChannelIndex"]}}}]"'
    assert len(read(f"{CONFIGURATION},{RECORDING},,,{people}").rows) == 1
