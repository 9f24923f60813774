"""The caps on what the spool holds."""

import errno
import os

import pytest

from receiver.spool import usage
from receiver.spool.folder import Spool
from receiver.spool.usage import SpoolFullError
from tests.support.spool_events import file_names, spool_event


def test_no_more_files_than_the_cap(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is too many is refused like a full disk, and leaves nothing behind."""
    monkeypatch.setattr(usage, "MAX_FILES", 3)
    for number in range(3):
        spool.put(spool_event(number))
    with pytest.raises(SpoolFullError) as refused:
        spool.put(spool_event(3))
    assert refused.value.errno == errno.ENOSPC
    assert len(file_names(spool)) == 3


def test_no_more_bytes_than_the_cap(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that would not fit is refused."""
    monkeypatch.setattr(usage, "MAX_BYTES", 2500)
    spool.put(spool_event(0, size=1000))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(1, size=1000))


def test_what_is_there_already_is_no_more(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a full spool a callback that it holds is still kept, and may be acknowledged."""
    spool.put(spool_event())
    monkeypatch.setattr(usage, "MAX_FILES", 1)
    spool.put(spool_event())


def test_every_file_counts(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others put, what is damaged and what was left behind takes its room."""
    spool.path.mkdir()
    for name in ("a.unfinished", "b.callback", "notes.txt"):
        (spool.path / name).write_bytes(b"")
    monkeypatch.setattr(usage, "MAX_FILES", 3)
    with pytest.raises(SpoolFullError):
        spool.put(spool_event())


def test_the_folder_is_not_scanned_for_each_file(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two scans a process goes by what it adds itself; the caps are so much exceeded."""
    monkeypatch.setattr(usage, "_MIN_SCAN_INTERVAL_SECONDS", 3600.0)
    monkeypatch.setattr(usage, "MAX_FILES", 3)
    spool.put(spool_event(0))
    for name in ("one.callback", "two.callback"):
        (spool.path / name).write_bytes(b"")
    for number in (1, 2):
        spool.put(spool_event(number))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(3))


def test_a_scan_that_failed_is_made_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the count isn't known nothing is kept, and the next one is held to the caps again."""
    monkeypatch.setattr(usage, "MAX_FILES", 1)
    spool.path.mkdir()
    (spool.path / "theirs.callback").write_bytes(b"")

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "scandir", fail)
        with pytest.raises(OSError, match="Input/output error"):
            spool.put(spool_event())
    with pytest.raises(SpoolFullError):
        spool.put(spool_event())


def test_room_is_found_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once files were moved the spool takes callbacks again."""
    monkeypatch.setattr(usage, "MAX_FILES", 1)
    monkeypatch.setattr(usage, "_MIN_SCAN_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(usage, "_SCAN_PAUSE_FACTOR", 0)
    spool.put(spool_event(0))
    with pytest.raises(SpoolFullError):
        spool.put(spool_event(1))
    (spool.path / file_names(spool)[0]).unlink()
    spool.put(spool_event(1))
