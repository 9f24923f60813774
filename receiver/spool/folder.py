"""The spool's folder: one file for each callback that the ledger has yet to take."""

import os
from pathlib import Path
from typing import NamedTuple

from receiver.spool.breaker import Breaker
from receiver.spool.disk import (
    UNFINISHED,
    finish,
    make_folder,
    remove_if_forgotten,
    sync,
    write_unfinished,
)
from receiver.spool.file import CorruptFileError, decode, encode
from receiver.spool.usage import SpoolUsage
from receiver.store.event import Event

# After the digest: so there is one file of each body, however often somebody replays it. A replay
# under other headers spoils nothing, since a callback is judged by what is signed.
CALLBACK = ".callback"


class Waiting(NamedTuple):
    """A file that waits to be moved; they sort by age."""

    since: float  # seconds since the epoch
    name: str
    size: int  # bytes


class Spool:
    """A folder of callbacks, shared by any number of processes. All methods block on the disk.

    `durable` says that it outlives the machine, so that what it holds may be acknowledged.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self.durable = durable
        self.breaker = Breaker()
        self._census = SpoolUsage(path)

    def put(self, event: Event) -> None:
        """Return once the event is on disk, whole and to stay.

        One that is there already is left as it is, unless it is damaged. Raises OSError (a full
        disk, a folder that is read-only) or its kind SpoolFullError: then it doesn't count as kept.
        """
        path = self.path / f"{event.sha256.hex()}{CALLBACK}"
        make_folder(self.path)
        if not _is_whole(path):
            data = encode(event)
            self._census.add(len(data))
            # Another process may have come in between. That one's file holds the same body.
            finish(write_unfinished(self.path, data), path)
        sync(self.path)

    def probe(self) -> None:
        """Raise OSError if nothing could be put here now."""
        make_folder(self.path)
        write_unfinished(self.path, b"probe").unlink()

    def waiting(self) -> list[Waiting]:
        """Return the files to be moved, the oldest first; remove what was never finished."""
        found = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(UNFINISHED):
                        remove_if_forgotten(Path(entry.path))
                    elif entry.name.endswith(CALLBACK):
                        found += _waiting(entry)
        except FileNotFoundError:  # nobody has put anything yet
            return []

        return sorted(found)

    def damaged(self) -> dict[str, str]:
        """Return which of the files that wait can't be read, and why."""
        found = {}
        for file in self.waiting():
            try:
                decode((self.path / file.name).read_bytes())
            except FileNotFoundError:  # moved in the meantime
                continue
            except (CorruptFileError, OSError) as error:
                found[file.name] = explain(error)

        return found


def explain(error: CorruptFileError | OSError) -> str:
    """Return what keeps a file from being moved, in the operator's words."""
    return (
        f"it {error}" if isinstance(error, CorruptFileError) else f"the disk says: {error.strerror}"
    )


def _is_whole(path: Path) -> bool:
    """Tell whether the file is there to stay: its own writer may not have got that far yet."""
    try:
        with path.open("rb") as file:
            decode(file.read())
            os.fsync(file.fileno())
    except (FileNotFoundError, CorruptFileError):
        return False

    return True


def _waiting(entry: os.DirEntry[str]) -> list[Waiting]:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # moved in the meantime
        return []

    return [Waiting(found.st_mtime, entry.name, found.st_size)]
