"""Standard output and error that never wait: what their reader doesn't take is dropped.

A full pipe would otherwise stop the process at its next log line, with all requests in it.
"""

import fcntl
import io
import json
import os
import select
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# A pipe takes a longer line in parts, which may be mixed with lines of other processes (PIPE_BUF).
MAX_LINE_BYTES = 4096
# The most that Linux gives a process without privileges. A reader may pause this long without a
# loss.
_PIPE_BYTES = 1_048_576


def install() -> None:
    """Replace standard output and error, for Python and for libraries in C, by lossy ones.

    Call it before gevent patches anything, and before a handler of `logging` is made. It does
    nothing if they were replaced before, or were closed when the process started.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            setattr(sys, name, open_lossy(stream.fileno()))


def open_lossy(descriptor: int) -> io.TextIOWrapper:
    """Return a stream that writes each line to the descriptor at once, or drops it."""
    return io.TextIOWrapper(
        _LossyOutput(descriptor), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


class _LossyOutput(io.RawIOBase):
    """Writes to a descriptor without waiting, and reports how many lines it has dropped."""

    def __init__(self, descriptor: int) -> None:
        self.name = self._descriptor = descriptor  # a text stream's buffer has a name
        self._write_some = _writer(descriptor)
        self._dropped_count = 0
        self._is_line_cut = False
        # A worker reports its own lines, and its master reports those before the fork.
        os.register_at_fork(after_in_child=self._reset_count)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the data or drop it; never raise."""
        line = bytes(data)
        if not (self._report_dropped() and self._write(line)):
            self._dropped_count += max(1, line.count(b"\n"))

        return len(line)

    def _report_dropped(self) -> bool:
        """Return False if lines were dropped and the report can't be written yet."""
        if self._dropped_count and not self._write(_report(self._dropped_count)):
            return False
        self._dropped_count = 0

        return True

    def _write(self, line: bytes) -> bool:
        """Return whether the whole line was written."""
        data = b"\n" + line if self._is_line_cut else line
        try:
            written_count = self._write_some(data)
        except OSError:  # full, no reader, no space, closed: a log can't report any of these
            return False
        self._is_line_cut = written_count < len(data)

        return not self._is_line_cut

    def _reset_count(self) -> None:
        self._dropped_count = 0


def _report(dropped_count: int) -> bytes:
    """Return a line in the format of our log."""
    report = {
        "level": "WARNING",
        "logger": __name__,
        "process": os.getpid(),
        "message": "log lines were dropped, because the reader of the log had stopped reading",
        "dropped": dropped_count,
        "at": datetime.now(UTC).isoformat(),
    }

    return f"{json.dumps(report)}\n".encode()


def _writer(descriptor: int) -> Callable[[bytes], int]:
    """Return a function that writes as much as is possible at once, and returns how much that was.

    It raises BlockingIOError if nothing can be written at once. A file and a device never wait for
    a reader.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        duplicate = socket.socket(fileno=os.dup(descriptor))
        return lambda data: duplicate.send(data, socket.MSG_DONTWAIT)
    if stat.S_ISFIFO(mode) or os.isatty(descriptor):
        if stat.S_ISFIFO(mode) and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        if not _reopen_without_blocking(descriptor):
            return _writer_that_polls(descriptor)

    return lambda data: os.write(descriptor, data)


def _reopen_without_blocking(descriptor: int) -> bool:
    """Replace the descriptor by one of the same pipe or terminal that doesn't block, if possible.

    O_NONBLOCK on the descriptor as it is would also apply to other programs that share it, such as
    the shell. Only Linux can open it again. The pipe of another user can't be opened.
    """
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
        reopened = os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        return False
    os.dup2(reopened, descriptor)
    os.close(reopened)

    return True


def _writer_that_polls(descriptor: int) -> Callable[[bytes], int]:
    """Return a writer that looks before each part whether there is room for it.

    It may wait if another process fills the pipe between the look and the write.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)

    def write(data: bytes) -> int:
        written_count = 0
        while written_count < len(data) and poll.poll(0):
            part = data[written_count : written_count + MAX_LINE_BYTES]
            written_count += os.write(descriptor, part)
        if not written_count:
            raise BlockingIOError

        return written_count

    return write
