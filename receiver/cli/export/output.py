"""Where the command `export` writes lines: a file, which may be compressed, or stdout."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from receiver.cli.output import write_body
from receiver.export.written import compress_part
from receiver.runtime.durable import sync_folder

STDOUT = "-"
_PRIVATE_FILE = 0o600


class FileOutput:
    """A file. What was written of it stays, however the command ends."""

    def __init__(self, file: BinaryIO, *, is_compressed: bool) -> None:
        self._file = file
        self._is_compressed = is_compressed

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        if lines:
            self._file.write(compress_part(lines) if self._is_compressed else lines)
            self._file.flush()


class StandardOutput:
    """Standard output."""

    def write(self, lines: bytes) -> None:
        """Write whole lines; a terminal gets them escaped."""
        write_body(lines)
        sys.stdout.flush()


@contextmanager
def create_file(path: Path) -> Iterator[FileOutput]:
    """Create a private file and yield it; one that ends with .gz is compressed.

    Raises FileExistsError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        yield FileOutput(file, is_compressed=path.suffix == ".gz")
        os.fsync(file.fileno())
        sync_folder(path.parent)


@contextmanager
def continue_file(path: Path, size_bytes: int, *, is_compressed: bool) -> Iterator[FileOutput]:
    """Truncate the file to this size, and yield it for appending."""
    with path.open("r+b") as file:
        file.truncate(size_bytes)
        file.seek(size_bytes)
        yield FileOutput(file, is_compressed=is_compressed)
        os.fsync(file.fileno())
