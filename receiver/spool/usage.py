"""Limits the size of the spool, before the disk is full or the folder slow to list."""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

from receiver.runtime.errors import ReceiverError

# While one thread scans, the others don't scan for as long as this.
_MAX_SCAN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """How much the spool may hold, and how often its folder is scanned."""

    # Leaves space on the disk for other programs: a full disk stops more than the spool.
    max_bytes: int = 1024**3
    # Several hours of callbacks. Listing a folder of this size still takes less than a second.
    max_files: int = 100_000
    # The time of a scan grows with the folder. So after a scan comes a pause of at least twenty
    # times the scan's own time, and of at least this interval.
    scan_pause_factor: float = 20
    min_scan_interval_seconds: float = 1.0


DEFAULT_LIMITS = SpoolLimits()


class SpoolFullError(ReceiverError, OSError):
    """The spool contains the maximum number of files or bytes."""


class SpoolUsage:
    """Counts the folder's files and bytes: it scans them regularly, and adds what `add` reports.

    What other processes add is counted by the next scan, so the limits may be exceeded by what they
    write in about a second. Files of all kinds count. Threads need no lock: if an addition is lost,
    the next scan counts it.
    """

    def __init__(self, folder: Path, limits: SpoolLimits = DEFAULT_LIMITS) -> None:
        self._folder = folder
        self._limits = limits
        self._files = 0
        self._bytes = 0
        self._scan_at = 0.0  # monotonic

    def add(self, size_bytes: int) -> None:
        """Count one more file of this size; raise SpoolFullError if it exceeds a limit."""
        limits = self._limits
        now = time.monotonic()
        if now >= self._scan_at:
            # Other threads use the last count while this one scans.
            self._scan_at = now + _MAX_SCAN_SECONDS
            try:
                self._files, self._bytes = _count(self._folder)
            except OSError:
                self._scan_at = now  # without a count, the next call must scan
                raise
            seconds = time.monotonic() - now
            self._scan_at = now + max(
                limits.min_scan_interval_seconds, limits.scan_pause_factor * seconds
            )
        if self._files >= limits.max_files or self._bytes + size_bytes > limits.max_bytes:
            raise SpoolFullError(
                errno.ENOSPC, f"the spool is full: {self._files} files, {self._bytes} bytes"
            )
        self._files += 1
        self._bytes += size_bytes


def _count(folder: Path) -> tuple[int, int]:
    """Return how many files the folder has, and their size in bytes."""
    files = size_bytes = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                size_bytes += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # just moved
                continue
            files += 1

    return files, size_bytes
