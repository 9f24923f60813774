"""Tests of the command `export`."""

import gzip
import json
import random
import resource
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.cli.operator import operator_name
from receiver.export.files import STATE_NAME
from tests.support.app import Reader
from tests.support.audit_rows import audit_rows
from tests.support.command import run
from tests.support.exporting import (
    erase_job,
    expire_transcript,
    ids_of,
    parse_lines,
    record_jobs,
)
from tests.support.stored_callbacks import callback, record_callback

JOBS = 6
# In CSV, its rows have line breaks and quotation marks within.
SENTENCES = [{"text": 'He said "yes"'}, {"text": "Two."}]
_SIZES = random.Random("sizes")


@pytest.fixture
def _stored(engine: Engine) -> None:
    record_jobs(engine, JOBS, sentences=SENTENCES)
    erase_job(engine, "job001")


def _export(app: Flask, path: Path, *options: str) -> bytes:
    """Export into a new file, and return its bytes."""
    result = run(app, "export", "--output", str(path), *options)
    assert result.exit_code == 0, result.output

    return path.read_bytes()


@pytest.mark.usefixtures("_stored")
def test_file_has_what_the_route_sends(app: Flask, read: Reader, tmp_path: Path) -> None:
    """The file has the lines of the route, except for the time in the cursors; it is private."""
    path = tmp_path / "jobs.ndjson"
    jobs, last = parse_lines(_export(app, path))
    sent, last_sent = parse_lines(read("/v3/Export").data)
    for each in (*jobs, *sent, last, last_sent):
        each.pop("cursor")
    assert (jobs, last) == (sent, last_sent)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("_stored")
def test_stdout_has_only_lines(app: Flask) -> None:
    """With `-` the lines are on stdout, and the counts on stderr."""
    result = run(app, "export", "--output", "-", "--since", "2025-04-02T12:01:00")
    jobs, _ = parse_lines(result.stdout_bytes)
    assert ids_of(jobs) == ["job002", "job003", "job004", "job005"]
    assert "4 jobs, 4 transcripts, 0 erased" in result.stderr


@pytest.mark.usefixtures("_stored")
def test_each_transcript_is_audited(app: Flask, engine: Engine, tmp_path: Path) -> None:
    """The audit has the operating system's user, and the command."""
    _export(app, tmp_path / "jobs.csv", "--format", "csv")
    rows = audit_rows(engine, "job_id", "reader", "route", "format", "status", "request_id")
    assert rows == [
        (f"job00{n}", operator_name(), "command export", "csv", None, None)
        for n in (0, *range(2, JOBS))
    ]


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(("format_name", "second"), [("ndjson", b'{"acc'), ("csv", b"job002,")])
def test_file_that_was_cut_anywhere_is_continued(
    app: Flask, tmp_path: Path, format_name: str, second: bytes
) -> None:
    """Cut anywhere behind the first job, the continued file is the whole one."""
    path = tmp_path / "jobs"
    whole = _export(app, path, "--format", format_name)
    for size in _SIZES.sample(range(whole.index(second, 1), len(whole)), 15):
        path.write_bytes(whole[:size])
        assert run(app, "export", "--resume", str(path)).exit_code == 0
        assert path.read_bytes() == whole
    assert "complete already" in run(app, "export", "--resume", str(path)).output
    path.write_bytes(whole[:30])
    assert "has no complete line" in run(app, "export", "--resume", str(path)).output


def test_compressed_file_that_was_cut_is_continued(
    app: Flask, engine: Engine, tmp_path: Path
) -> None:
    """The same of a compressed file, which consists of parts."""
    record_jobs(engine, 4, sentences=[{"text": "word " * 40_000}])  # each fills a page
    path = tmp_path / "jobs.ndjson.gz"
    whole = _export(app, path)
    first_part = zlib.decompressobj(31)
    first_part.decompress(whole)
    first = len(whole) - len(first_part.unused_data)
    for size in (first, *_SIZES.sample(range(first, len(whole)), 10)):
        path.write_bytes(whole[:size])
        assert run(app, "export", "--resume", str(path)).exit_code == 0
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(whole)
    path.write_bytes(whole[: first - 1])
    assert "has no complete line" in run(app, "export", "--resume", str(path)).output


@pytest.mark.usefixtures("_stored")
def test_stream_that_ended_early_is_continued(app: Flask, read: Reader, tmp_path: Path) -> None:
    """A last line that says that jobs are missing is replaced by them."""
    whole = read("/v3/Export").data
    lines = whole.splitlines(keepends=True)
    last = json.loads(lines[-1])
    last["export"]["complete"] = False
    path = tmp_path / "jobs.ndjson"
    path.write_bytes(b"".join(lines[:2]) + json.dumps(last, separators=(",", ":")).encode() + b"\n")
    assert run(app, "export", "--resume", str(path)).exit_code == 0
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize("format_name", ["vtt", "srt", "text", "json"])
def test_files_are_those_of_the_route(
    app: Flask, read: Reader, engine: Engine, tmp_path: Path, format_name: str
) -> None:
    """Each transcript is a private file as the route returns it, also after an interruption."""
    expire_transcript(engine, "job002")
    record_callback(engine, callback("open", status="running"))
    folder = tmp_path / "out"
    options = ("--files", str(folder), "--format", format_name)
    assert run(app, "export", *options).exit_code == 0
    extension = {"text": "txt"}.get(format_name, format_name)
    expected = {
        f"{job}.{extension}": read(f"/v3/Transcriptions/{job}/Transcript.{extension}").data
        for job in ("job000", "job003", "job004", "job005")
    }
    state = json.loads((folder / STATE_NAME).read_bytes())["export"]
    counts = {"jobs": 6, "transcripts": 4, "erased": 1, "expired": 1, "complete": True}
    assert state.items() >= counts.items()
    assert _files(folder) == expected
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (modes, stat.S_IMODE(folder.stat().st_mode)) == ({0o600}, 0o700)
    assert run(app, "export", *options).exit_code == 1
    assert "complete already" in run(app, "export", "--resume", str(folder)).output


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != STATE_NAME}


@contextmanager
def _largest_file(size_bytes: int) -> Iterator[None]:
    """Let this process write no file beyond this size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_is_reported_and_the_export_continued(
    app: Flask, engine: Engine, tmp_path: Path
) -> None:
    """What can't be written is one line that says how to continue; so is a folder."""
    record_jobs(engine, 3, sentences=[{"text": "word " * 60_000}])
    path, folder = tmp_path / "jobs.ndjson", tmp_path / "out"
    with _largest_file(400_000):
        failed = run(app, "export", "--output", str(path))
    assert failed.exit_code == 1
    assert f"export --resume {path}" in failed.output
    assert "can't be written: OSError: File too large" in failed.output
    assert run(app, "export", "--resume", str(path)).exit_code == 0
    jobs, last = parse_lines(path.read_bytes())
    assert ids_of(jobs) == ["job000", "job001", "job002"]
    assert last["complete"] is True
    with _largest_file(200_000):
        failed = run(app, "export", "--files", str(folder))
    assert f"export --resume {folder}" in failed.output
    assert _files(folder).keys() <= {".export.tmp"}
    assert run(app, "export", "--resume", str(folder)).exit_code == 0
    assert _files(folder).keys() == {f"job00{n}.vtt" for n in range(3)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give one of"),
        (("--output", "-", "--files", "x"), "Give one of"),
        (("--output", "-", "--format", "vtt"), "--format must be one of ndjson, csv"),
        (("--files", "x", "--format", "csv"), "--format must be one of json"),
        (("--resume", __file__), "can't be continued"),
        (("--resume", __file__, "--since", "2025-01-01"), "keeps the format"),
        (("--output", __file__), "exists"),
        (("--files", str(Path(__file__).parent)), "isn't an empty folder"),
    ],
)
def test_wrong_use_is_explained(app: Flask, arguments: tuple[str, ...], message: str) -> None:
    """Options that contradict, and files that exist, end the command with a message."""
    result = run(app, "export", *arguments)
    assert result.exit_code in {1, 2}
    assert message in result.output
