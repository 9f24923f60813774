"""Claims spooled files: only one process at a time moves a file into the ledger."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from receiver.spool.file import decode
from receiver.spool.private import open_private_file, require_private_folder
from receiver.spool.seal import Seal
from receiver.store.event import Event


class Claim:
    """An exclusive lock on a file, until the `with` block or the process ends, even by a kill."""

    def __init__(self, path: Path, file: BinaryIO, event: Event) -> None:
        self.event = event
        self._path = path
        self._file = file

    def remove(self) -> None:
        """Remove the file: its event is in the ledger."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def claim(path: Path, seal: Seal) -> Claim | None:
    """Return a claim on the file, None if another process has it or it doesn't exist.

    Raises UnusableFileError, or OSError if the file can't be read.
    """
    try:
        require_private_folder(path.parent)
        # Open read-write: NFS locks need it, and a read-only disk must fail before recording, since
        # the file couldn't be removed afterwards.
        file = os.fdopen(open_private_file(path, os.O_RDWR), "r+b")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have removed the file after it was opened here.
        if os.fstat(file.fileno()).st_nlink > 0:
            return Claim(path, file, decode(file.read(), seal))
    except BlockingIOError:
        pass
    except BaseException:
        file.close()
        raise
    file.close()

    return None
