"""Pipes whose reader has stopped reading."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def fill(writer: int) -> None:
    """Write to the pipe or connection until it takes no more."""
    was_blocking = os.get_blocking(writer)
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    with suppress(BlockingIOError):  # a pipe takes less than a page in its last one
        while True:
            os.write(writer, b"x")
    os.set_blocking(writer, was_blocking)


@contextmanager
def read_end(path: Path) -> Iterator[int]:
    """Make a named pipe, and yield the descriptor from which it is read."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield reader
    finally:
        os.close(reader)


def fill_pipe(path: Path) -> None:
    """Fill the named pipe."""
    writer = os.open(path, os.O_WRONLY)
    fill(writer)
    os.close(writer)


def read_available(reader: int) -> bytes:
    """Return all that can be read without waiting."""
    os.set_blocking(reader, False)
    received = b""
    with suppress(BlockingIOError):
        while part := os.read(reader, 65536):
            received += part

    return received
