"""The spool's folder: one file for each callback that isn't in the ledger yet."""

import os
from pathlib import Path
from typing import NamedTuple

from receiver.spool.breaker import CircuitBreaker
from receiver.spool.disk import (
    UNFINISHED_SUFFIX,
    finish,
    make_folder,
    remove_if_abandoned,
    sync_folder,
    write_unfinished,
)
from receiver.spool.file import CorruptFileError, decode, encode
from receiver.spool.usage import DEFAULT_LIMITS, SpoolLimits, SpoolUsage
from receiver.store.event import Event

# A file's name is the body's digest and this suffix. So replays of a body make one file. Replays
# with other headers do no harm, since validation uses only what is signed.
CALLBACK_SUFFIX = ".callback"


class SpooledFile(NamedTuple):
    """A file that waits to be moved into the ledger; files sort by age."""

    written_at: float  # seconds since the epoch
    name: str
    size_bytes: int


class Spool:
    """A folder of callbacks, shared by any number of processes. All methods block on the disk.

    `durable` says that the folder outlives the machine, so that its callbacks may be acknowledged.
    """

    def __init__(self, path: Path, *, durable: bool, limits: SpoolLimits = DEFAULT_LIMITS) -> None:
        self.path = path
        self.durable = durable
        self.breaker = CircuitBreaker()
        self._usage = SpoolUsage(path, limits)

    def put(self, event: Event) -> None:
        """Return when the event is durable on disk.

        A file that exists already is replaced only if it is damaged. Raises OSError (a full disk, a
        read-only folder) or its subclass SpoolFullError; then the event doesn't count as stored.
        """
        path = self.path / f"{event.sha256.hex()}{CALLBACK_SUFFIX}"
        make_folder(self.path)
        if not _is_intact(path):
            data = encode(event)
            self._usage.add(len(data))
            # Another process may have finished a file by now. It contains the same body.
            finish(write_unfinished(self.path, data), path)
        sync_folder(self.path)

    def probe(self) -> None:
        """Raise OSError if no callback could be written now."""
        make_folder(self.path)
        write_unfinished(self.path, b"probe").unlink()

    def list_files(self) -> list[SpooledFile]:
        """Return the files to be moved, the oldest first; remove abandoned unfinished files."""
        files = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(UNFINISHED_SUFFIX):
                        remove_if_abandoned(Path(entry.path))
                    elif entry.name.endswith(CALLBACK_SUFFIX):
                        files += _spooled_file(entry)
        except FileNotFoundError:  # the first `put` creates the folder
            return []

        return sorted(files)

    def find_damaged(self) -> dict[str, str]:
        """Return the names of the files that can't be read, each with the reason."""
        reasons = {}
        for file in self.list_files():
            try:
                decode((self.path / file.name).read_bytes())
            except FileNotFoundError:  # just moved
                continue
            except (CorruptFileError, OSError) as error:
                reasons[file.name] = explain(error)

        return reasons


def explain(error: CorruptFileError | OSError) -> str:
    """Return for the operator why a file can't be moved."""
    return f"it {error}" if isinstance(error, CorruptFileError) else f"disk error: {error.strerror}"


def _is_intact(path: Path) -> bool:
    """Return whether the file exists and isn't damaged; if so, make its bytes durable.

    Its writer may be another process that hasn't done this yet.
    """
    try:
        with path.open("rb") as file:
            decode(file.read())
            os.fsync(file.fileno())
    except (FileNotFoundError, CorruptFileError):
        return False

    return True


def _spooled_file(entry: os.DirEntry[str]) -> list[SpooledFile]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # just moved
        return []

    return [SpooledFile(status.st_mtime, entry.name, status.st_size)]
