"""Tests of the folder: each callback is stored once, durably, and with private modes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.spool.folder import Spool
from receiver.store.event import Event
from tests.support.paths import ROOT
from tests.support.spool_events import file_names, only_file, spool_event, without_validation
from tests.support.spooled import SEAL

# Puts one callback while no file may exceed 1000 bytes, as on a full disk.
FULL_DISK_CODE = """
import resource, sys
from pathlib import Path
from receiver.spool.folder import Spool
from tests.support.spool_events import spool_event
from tests.support.spooled import SEAL
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Spool(Path(sys.argv[1]), durable=True, seal=SEAL).put(spool_event(size=int(sys.argv[2])))
except OSError:
    sys.exit(28)
"""


def _stored_events(spool: Spool) -> list[Event]:
    """Return the spool's events, the oldest first."""
    events = []
    for file in spool.list_files():
        claimed = spool.claim(file.name)
        assert claimed
        with claimed:
            events.append(claimed.event)

    return events


def test_put_event_is_listed(spool: Spool) -> None:
    """An event that was put can be claimed, without the result of its validation."""
    spool.put(spool_event())
    assert _stored_events(spool) == [without_validation(spool_event())]


def test_oldest_file_comes_first(spool: Spool) -> None:
    """The files are listed in the order in which they were written."""
    order = (2, 0, 3, 1)
    for minute, number in enumerate(order):
        spool.put(spool_event(number))
        path = spool.path / f"{spool_event(number).sha256.hex()}.callback"
        os.utime(path, (60 * minute, 60 * minute))
    assert [event.body for event in _stored_events(spool)] == [
        spool_event(number).body for number in order
    ]


def test_same_body_makes_one_file(spool: Spool) -> None:
    """A body that is put again, with any headers, leaves its first file as it is."""
    spool.put(spool_event())
    before = only_file(spool).stat()
    for _ in range(3):
        spool.put(replace(spool_event(), idempotency_token="another"))
        spool.put(replace(spool_event(), head=None, content_type="text/plain"))
    after = only_file(spool).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_damaged_file_is_replaced(spool: Spool) -> None:
    """`put` replaces a damaged file, because the callback may be acknowledged after it."""
    spool.put(spool_event())
    path = only_file(spool)
    path.write_bytes(path.read_bytes()[:50])
    spool.put(spool_event())
    assert _stored_events(spool) == [without_validation(spool_event())]


def test_folder_and_files_are_private(spool: Spool) -> None:
    """The folder has mode 0700 and a file 0600, with any umask of the process."""
    mask = os.umask(0)
    try:
        spool.put(spool_event())
    finally:
        os.umask(mask)
    assert spool.path.stat().st_mode & 0o777 == 0o700
    assert only_file(spool).stat().st_mode & 0o777 == 0o600


def test_concurrent_puts_lose_nothing(spool: Spool) -> None:
    """Threads that put the same and other callbacks make one file for each body."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spool.put, [spool_event(number % 20) for number in range(200)]))
    assert {event.body for event in _stored_events(spool)} == {
        spool_event(number).body for number in range(20)
    }
    assert len(file_names(spool)) == 20


@pytest.mark.parametrize(("size", "file_count"), [(10, 1), (5_000, 0)])
def test_full_disk_raises_and_leaves_no_file(spool: Spool, size: int, file_count: int) -> None:
    """A full disk raises OSError and leaves no part of the file."""
    process = subprocess.run(
        [sys.executable, "-c", FULL_DISK_CODE, spool.path, str(size)],
        cwd=ROOT,
        timeout=30,
        check=False,
    )
    assert (process.returncode, len(file_names(spool))) == (0 if file_count else 28, file_count)


def test_unusable_folder_raises(tmp_path: Path) -> None:
    """A file in the folder's place, or a missing parent, raises OSError and creates nothing."""
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "missing" / "spool"):
        with pytest.raises(OSError, match=r"No such file|Not a directory"):
            Spool(path, durable=True, seal=SEAL).put(spool_event())
        with pytest.raises(OSError, match=r"No such file|Not a directory"):
            Spool(path, durable=True, seal=SEAL).probe()
    assert not (tmp_path / "missing").exists()


def test_probe_leaves_no_file(spool: Spool) -> None:
    """A probe creates the folder and leaves no file."""
    spool.probe()
    assert file_names(spool) == []


def test_unfinished_file_is_not_listed(spool: Spool) -> None:
    """A file that a killed process left unfinished isn't listed."""
    spool.put(spool_event())
    finished = only_file(spool)
    finished.rename(spool.path / "half.unfinished")
    assert spool.list_files() == []
    assert file_names(spool) == ["half.unfinished"]


def test_old_unfinished_file_is_removed(spool: Spool) -> None:
    """An old unfinished file is removed, because its callback was never acknowledged."""
    spool.path.mkdir(mode=0o700)
    for name, written in (("old.unfinished", 0), ("notes.txt", 0), ("new.unfinished", None)):
        (spool.path / name).write_bytes(b"{")
        if written is not None:
            os.utime(spool.path / name, (written, written))
    assert spool.list_files() == []
    assert file_names(spool) == ["new.unfinished", "notes.txt"]


def test_damaged_files_are_listed(spool: Spool) -> None:
    """`find_unusable` lists the damaged files and no others."""
    for number in range(3):
        spool.put(spool_event(number))
    damaged = spool.path / spool.list_files()[1].name
    damaged.write_bytes(b"")
    [file] = spool.find_unusable()
    assert (file.name, file.is_refused) == (damaged.name, False)


def test_spool_without_folder_is_empty(spool: Spool) -> None:
    """A spool whose folder doesn't exist yet is empty."""
    assert (spool.list_files(), spool.find_unusable()) == ([], [])
