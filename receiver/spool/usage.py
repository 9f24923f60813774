"""How much the spool holds, so that it stops before the disk is full or the folder unwieldy."""

import errno
import os
import time
from pathlib import Path

# Whatever else is on the disk must be left room: a full one stops more than the spool.
MOST_BYTES = 1024**3
# Some hours of callbacks. A folder of this size is still listed within a second.
MOST_FILES = 100_000

# A scan costs time that grows with the folder. It may take a twentieth of the time, and there is
# none more often than this, in seconds.
_SHARE = 20
_PAUSE_SECONDS = 1.0
_MEANWHILE_SECONDS = 60.0


class SpoolFullError(OSError):
    """The spool holds as much as it may."""


class SpoolUsage:
    """A count of the folder's files and bytes: scanned now and then, added to in between.

    What other processes add shows at the next scan, so the caps may be exceeded by what they put
    in a second or so. Every file counts, whatever it is. Threads need no lock: an addition that
    one of them loses shows at the next scan too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0
        self._bytes = 0
        self._scan_at = 0.0  # monotonic

    def add(self, size: int) -> None:
        """Count one more file of `size` bytes; raise SpoolFullError if it is one too many."""
        now = time.monotonic()
        if now >= self._scan_at:
            # One thread scans, the others go by the last count.
            self._scan_at = now + _MEANWHILE_SECONDS
            try:
                self._files, self._bytes = _count(self._folder)
            except OSError:
                self._scan_at = now  # else nothing would hold the next ones back
                raise
            took = time.monotonic() - now
            self._scan_at = now + max(_PAUSE_SECONDS, _SHARE * took)
        if self._files >= MOST_FILES or self._bytes + size > MOST_BYTES:
            raise SpoolFullError(
                errno.ENOSPC, f"the spool is full: {self._files} files, {self._bytes} bytes"
            )
        self._files += 1
        self._bytes += size


def _count(folder: Path) -> tuple[int, int]:
    files = size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                size += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # moved in the meantime
                continue
            files += 1

    return files, size
