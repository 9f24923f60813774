"""Tests of the log's format."""

import json
import logging

import pytest

from receiver.runtime.logs import BoundedJsonFormatter
from receiver.runtime.lossy_output import MAX_LINE_BYTES


def format_line(message: str, **members: object) -> str:
    """Return the line of a record with these members."""
    record = logging.makeLogRecord({"msg": message, **members})

    return BoundedJsonFormatter(["message"]).format(record)


@pytest.mark.parametrize("character", ["x", "é", "\x00", "𝄞"])
def test_long_line_is_cut(character: str) -> None:
    """A line of at most 4096 bytes remains of a long message, with all other members."""
    line = format_line(character * 100_000, job="a job", seconds=1.5)
    assert MAX_LINE_BYTES // 3 < len(line) < MAX_LINE_BYTES
    members = json.loads(line)
    assert members["job"] == "a job"
    assert members["seconds"] == 1.5
    assert members["message"].startswith(character)


def test_traceback_keeps_its_end() -> None:
    """The end of a long traceback stays, because it names the error."""
    line = format_line("a failure", exc_text="a frame\n" * 1000 + "ValueError")
    assert json.loads(line)["exc_info"].endswith("ValueError")


def test_ordinary_line_is_not_cut() -> None:
    """A line that just fits stays as it is."""
    overhead = len(format_line(""))
    text = "x" * (MAX_LINE_BYTES - overhead - 1)
    assert json.loads(format_line(text))["message"] == text


def test_many_short_members_are_kept() -> None:
    """A line that is long for its number of members isn't cut."""
    members = {f"member_{number}": "short" for number in range(500)}
    assert json.loads(format_line("many", **members))["member_499"] == "short"
