"""The spool's folder: one file for each callback that isn't in the ledger yet."""

import os
import secrets
from pathlib import Path
from typing import BinaryIO, NamedTuple

from receiver.runtime.durable import sync_folder
from receiver.spool.breaker import CircuitBreaker
from receiver.spool.claim import Claim, claim
from receiver.spool.disk import (
    UNFINISHED_SUFFIX,
    finish,
    make_folder,
    remove_if_abandoned,
    write_unfinished,
)
from receiver.spool.errors import CorruptFileError, RefusedFileError, UnusableFileError
from receiver.spool.file import decode, encode
from receiver.spool.private import UnsafeFolderError, open_private_file, require_private_folder
from receiver.spool.seal import Seal
from receiver.spool.usage import DEFAULT_LIMITS, SpoolLimits, SpoolUsage
from receiver.store.event import Event

# A file's name is the body's digest and this suffix. So replays of a body make one file. Replays
# with other headers do no harm, since validation uses only what is signed.
CALLBACK_SUFFIX = ".callback"
# A refused file whose name was needed for a callback.
REFUSED_SUFFIX = ".refused"


class SpooledFile(NamedTuple):
    """A file that waits to be moved into the ledger; files sort by age."""

    written_at: float  # seconds since the epoch
    name: str
    size_bytes: int


class Listing(NamedTuple):
    """How many files wait, when the oldest was written, and the device and inode of the folder."""

    files: int
    oldest_at: float | None
    folder: tuple[int, int] | None  # None if there is no folder yet


class UnusableFile(NamedTuple):
    """A file that stays in the spool: refused, or damaged."""

    name: str
    is_refused: bool
    reason: str


class Spool:
    """A folder of callbacks, shared by any number of processes. All methods block on the disk.

    `durable` says that the folder outlives the machine, so that its callbacks may be acknowledged.
    All methods raise OSError, and its subclass UnsafeFolderError if another user may write to the
    folder or replace it.
    """

    def __init__(
        self, path: Path, *, durable: bool, seal: Seal, limits: SpoolLimits = DEFAULT_LIMITS
    ) -> None:
        self.path = path
        self.durable = durable
        self.breaker = CircuitBreaker()
        self.listed: Listing | None = None  # the result of the last call of `list_files`
        self._seal = seal
        self._usage = SpoolUsage(path, limits)

    def put(self, event: Event) -> None:
        """Return when the event is durable on disk.

        A file that exists already is replaced only if it is damaged, and set aside if it is
        refused. Raises OSError (a full disk, a read-only folder) or its subclass SpoolFullError;
        then the event doesn't count as stored.
        """
        path = self.path / f"{event.sha256.hex()}{CALLBACK_SUFFIX}"
        make_folder(self.path)
        if not self._has(event, path):
            data = encode(event, self._seal)
            self._usage.add(len(data))
            # Another process may have finished a file by now. It contains the same body.
            finish(write_unfinished(self.path, data), path)
        sync_folder(self.path)

    def probe(self) -> None:
        """Raise OSError if no callback could be written now."""
        make_folder(self.path)
        write_unfinished(self.path, b"probe").unlink()

    def claim(self, name: str) -> Claim | None:
        """Return a claim on a file, None if another process has it or it doesn't exist.

        Raises UnusableFileError, or OSError if the file can't be read.
        """
        return claim(self.path / name, self._seal)

    def list_files(self) -> list[SpooledFile]:
        """Return the files to be moved, the oldest first; remove abandoned unfinished files."""
        files: list[SpooledFile] = []
        for entry in self._scan():
            if entry.name.endswith(UNFINISHED_SUFFIX):
                remove_if_abandoned(Path(entry.path))
            elif entry.name.endswith(CALLBACK_SUFFIX):
                files += _spooled_file(entry)

        files.sort()
        self.listed = Listing(
            len(files), files[0].written_at if files else None, _identify(self.path)
        )

        return files

    def find_unusable(self) -> list[UnusableFile]:
        """Return the files that can't be moved, each with the reason."""
        files = [
            UnusableFile(entry.name, True, "it was set aside: a callback needed its name")  # noqa: FBT003 - a named tuple
            for entry in self._scan()
            if entry.name.endswith(REFUSED_SUFFIX)
        ]
        for file in self.list_files():
            try:
                with _open(self.path / file.name) as opened:
                    decode(opened.read(), self._seal)
            except FileNotFoundError:  # just moved
                continue
            except (UnusableFileError, OSError) as error:
                is_refused = isinstance(error, RefusedFileError)
                files.append(UnusableFile(file.name, is_refused, explain(error)))

        return files

    def list_all(self) -> list[str]:
        """Return the names of all files, whatever they are."""
        return sorted(entry.name for entry in self._scan())

    def read(self, name: str) -> bytes | None:
        """Return a file's content as it is; None if it is gone. Raises OSError."""
        try:
            with _open(self.path / name) as file:
                return file.read()
        except FileNotFoundError:  # just moved
            return None

    def _scan(self) -> list[os.DirEntry[str]]:
        try:
            require_private_folder(self.path)
            with os.scandir(self.path) as entries:
                return list(entries)
        except FileNotFoundError:  # the first `put` creates the folder
            return []

    def _has(self, event: Event, path: Path) -> bool:
        """Return whether the file contains the event, durably; if it is refused, rename it."""
        try:
            with _open(path) as file:
                stored = decode(file.read(), self._seal)
                # Its writer may be another process that hasn't done this yet.
                os.fsync(file.fileno())
            if stored.sha256 == event.sha256:
                return True
        except (FileNotFoundError, CorruptFileError):
            return False
        except RefusedFileError:
            pass
        path.rename(path.with_suffix(f".{secrets.token_hex(8)}{REFUSED_SUFFIX}"))

        return False


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None

    return status.st_dev, status.st_ino


def explain(error: UnusableFileError | OSError) -> str:
    """Return for the operator why a file can't be moved."""
    if isinstance(error, UnusableFileError):
        return f"it {error}"

    prefix = "" if isinstance(error, UnsafeFolderError) else "disk error: "

    return f"{prefix}{error.strerror}"


def _open(path: Path) -> BinaryIO:
    return os.fdopen(open_private_file(path, os.O_RDONLY), "rb")


def _spooled_file(entry: os.DirEntry[str]) -> list[SpooledFile]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # just moved
        return []

    return [SpooledFile(status.st_mtime, entry.name, status.st_size)]
