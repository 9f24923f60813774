"""Claiming a spooled file: of all the processes that move files, one at a time works on it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from receiver.spool.file import decode
from receiver.store.event import Event


class Claim:
    """A file that is ours alone until the `with` block ends, or the process, however it does."""

    def __init__(self, path: Path, file: BinaryIO, event: Event) -> None:
        self.event = event
        self._path = path
        self._file = file

    def done(self) -> None:
        """Remove the file, since the event is in the ledger."""
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


def claim(path: Path) -> Claim | None:
    """Return the file as ours, or None where it is another's or gone.

    Raises Damaged, or OSError where it can't be read.
    """
    try:
        # For writing, though nothing is written: to lock on NFS takes that. And on a disk that has
        # become read-only nothing should be recorded, for it couldn't be removed after.
        file = path.open("r+b")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been moved between our opening it and our locking it.
        if os.fstat(file.fileno()).st_nlink > 0:
            return Claim(path, file, decode(file.read()))
    except BlockingIOError:
        pass
    except BaseException:
        file.close()
        raise
    file.close()

    return None
