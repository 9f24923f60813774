"""Tests of the limits on the number and the size of the spool's files."""

import errno
import os

import pytest

from receiver.spool.folder import Spool
from receiver.spool.usage import SpoolFullError, SpoolLimits
from tests.support.spool_events import file_names, spool_event
from tests.support.spooled import SEAL

ONE_FILE = SpoolLimits(max_files=1)
THREE_FILES = SpoolLimits(max_files=3)


def _limited(spool: Spool, limits: SpoolLimits) -> Spool:
    """Return a spool with the same folder and these limits."""
    return Spool(spool.path, durable=True, seal=SEAL, limits=limits)


def test_limit_of_files(spool: Spool) -> None:
    """A file beyond the limit of files raises ENOSPC, like a full disk, and leaves nothing."""
    spool = _limited(spool, THREE_FILES)
    for number in range(3):
        spool.put(spool_event(number))
    with pytest.raises(SpoolFullError) as error:
        spool.put(spool_event(3))
    assert error.value.errno == errno.ENOSPC
    assert len(file_names(spool)) == 3


def test_limit_of_bytes(spool: Spool) -> None:
    """A file that would exceed the limit of bytes raises SpoolFullError."""
    spool = _limited(spool, SpoolLimits(max_bytes=2500))
    spool.put(spool_event(0, size=1000))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(1, size=1000))


def test_existing_callback_is_accepted_by_a_full_spool(spool: Spool) -> None:
    """A full spool accepts a callback that it has already, so it may be acknowledged."""
    spool.put(spool_event())
    _limited(spool, ONE_FILE).put(spool_event())


def test_every_file_counts(spool: Spool) -> None:
    """Damaged, unfinished and foreign files count too."""
    spool.path.mkdir()
    for name in ("a.unfinished", "b.callback", "notes.txt"):
        (spool.path / name).write_bytes(b"")
    with pytest.raises(SpoolFullError):
        _limited(spool, THREE_FILES).put(spool_event())


def test_folder_is_not_scanned_for_each_file(spool: Spool) -> None:
    """Between two scans a process counts only its own files, so the limits may be exceeded."""
    spool = _limited(spool, SpoolLimits(max_files=3, min_scan_interval_seconds=3600.0))
    spool.put(spool_event(0))
    for name in ("one.callback", "two.callback"):
        (spool.path / name).write_bytes(b"")
    for number in (1, 2):
        spool.put(spool_event(number))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(3))


def test_failed_scan_is_repeated(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a scan that failed nothing is stored, and the next `put` scans again."""
    spool = _limited(spool, ONE_FILE)
    spool.path.mkdir()
    (spool.path / "other.callback").write_bytes(b"")

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        with pytest.raises(OSError, match="Input/output error"):
            spool.put(spool_event())
    with pytest.raises(SpoolFullError):
        spool.put(spool_event())


def test_removed_files_make_space_again(spool: Spool) -> None:
    """A full spool accepts callbacks again once files were removed."""
    spool = _limited(
        spool, SpoolLimits(max_files=1, min_scan_interval_seconds=0, scan_pause_factor=0)
    )
    spool.put(spool_event(0))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(1))
    (spool.path / file_names(spool)[0]).unlink()
    spool.put(spool_event(1))
