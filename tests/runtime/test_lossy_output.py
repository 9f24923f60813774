"""Tests of standard output and error that never wait."""

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.runtime.lossy_output import open_lossy
from tests.support.full_pipe import fill, read_available
from tests.support.paths import ROOT

LINE = "a line of the log\n"


@pytest.fixture(params=["pipe", "socket"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Yield the reader's and the writer's end of a pipe, or of a connection."""
    if request.param == "pipe":
        reader, writer = os.pipe()
    else:
        near, far = socket.socketpair()
        reader, writer = near.detach(), far.detach()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_lines_are_written_at_once(ends: tuple[int, int]) -> None:
    """Each line arrives as soon as it is written."""
    reader, writer = ends
    stream = open_lossy(writer)
    stream.write(LINE)
    assert read_available(reader) == LINE.encode()


def test_dropped_lines_are_counted(ends: tuple[int, int]) -> None:
    """Lines that the reader doesn't take are dropped, and the next line is after their number."""
    reader, writer = ends
    stream = open_lossy(writer)
    fill(writer)
    for _ in range(3):
        stream.write(LINE)
    read_available(reader)
    stream.write(LINE)
    stream.write(LINE)
    report, *others = read_available(reader).splitlines(keepends=True)
    assert json.loads(report)["dropped"] == 3
    assert others == [LINE.encode()] * 2


def test_reader_without_end_is_survived() -> None:
    """A reader that has closed the pipe causes no error."""
    reader, writer = os.pipe()
    stream = open_lossy(writer)
    os.close(reader)
    stream.write(LINE)
    os.close(writer)
    stream.write(LINE)


def test_line_after_a_full_disk_is_whole(tmp_path: Path) -> None:
    """What doesn't fit on a full disk is dropped, and the next line begins on a new line."""
    script = (
        "import resource, sys; from receiver.runtime import lossy_output; lossy_output.install()\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))\n"
        "print('x' * 200, file=sys.stderr); print('y', file=sys.stderr)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        "print('z', file=sys.stderr)"
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        assert run_script(script, stderr=output.fileno()).returncode == 0
    cut, report, last = log.read_text().splitlines()
    assert (cut, last) == ("x" * 100, "z")
    assert json.loads(report)["dropped"] == 2


def test_file_is_appended_to(tmp_path: Path) -> None:
    """A log in a file keeps what it contains already."""
    log = tmp_path / "log"
    with log.open("wb", buffering=0) as output:
        output.write(b"before\n")
        open_lossy(output.fileno()).write(LINE)
    assert log.read_text() == f"before\n{LINE}"


def test_shared_descriptor_still_blocks() -> None:
    """Another process that writes to the same pipe still waits for its reader."""
    reader, writer = os.pipe()
    shared = os.dup(writer)
    open_lossy(writer)
    assert not fcntl.fcntl(shared, fcntl.F_GETFL) & os.O_NONBLOCK
    for descriptor in (reader, writer, shared):
        os.close(descriptor)


def run_script(script: str, *, stderr: int) -> subprocess.CompletedProcess[bytes]:
    """Run the script in a process of its own; fail if it hangs."""
    return subprocess.run(
        [sys.executable, "-c", script], stderr=stderr, timeout=30, check=False, cwd=ROOT
    )


WRITERS = {
    "print": "print('x' * 5000, file=sys.stderr)",
    "standard output": "print('x' * 5000)",
    "warning": "import warnings; warnings.warn('x' * 5000)",
    "faulthandler": "import faulthandler; faulthandler.dump_traceback()",
    "unraisable": "type('Failing', (), {'__del__': lambda self: 1 / 0})()",
    "greenlet": "import gevent; gevent.spawn(lambda: 1 / 0).join()",
    "logger without a handler": "import logging; logging.error('x' * 5000)",
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_no_writer_waits(writer: str) -> None:
    """No way to write to standard output or error waits for a reader that has stopped."""
    reader, output = os.pipe()
    script = (
        "import os, sys; os.dup2(2, 1)\n"
        "from receiver.runtime import lossy_output; lossy_output.install()\n"
        "from tests.support.full_pipe import fill; fill(2)\n"
        f"for _ in range(20): {writer}"
    )
    assert run_script(script, stderr=output).returncode == 0
    os.close(reader)
    os.close(output)


def test_pipe_of_another_user_is_written_to_without_waiting() -> None:
    """A full pipe that can't be opened again, because another user made it, is not waited for."""
    reader, output = os.pipe()
    script = (
        "import os, sys; from receiver.runtime import lossy_output\n"
        "from tests.support.full_pipe import fill\n"
        "os.fchmod(2, 0)\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "lossy_output.install(); print('before', file=sys.stderr)\n"
        "assert os.get_blocking(2); fill(2)\n"
        "for _ in range(20): print('x' * 5000, file=sys.stderr)"
    )
    assert run_script(script, stderr=output).returncode == 0
    assert read_available(reader).startswith(b"before\n")
    os.close(reader)
    os.close(output)
