"""The folder: what is put is there to stay, once, and for our eyes only."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.spool.claim import claim
from receiver.spool.folder import Spool
from receiver.store.event import Event
from tests.support.paths import ROOT
from tests.support.spool_events import file_names, only_file, spool_event, without_validation

# Puts one callback where no file may have more than a thousand bytes, as on a disk that is full.
FULL = """
import resource, sys
from pathlib import Path
from receiver.spool.folder import Spool
from tests.support.spool_events import event
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Spool(Path(sys.argv[1]), durable=True).put(event(size=int(sys.argv[2])))
except OSError:
    sys.exit(28)
"""


def held(spool: Spool) -> list[Event]:
    """Return what the spool holds, the oldest first."""
    events = []
    for file in spool.list_files():
        claimed = claim(spool.path / file.name)
        assert claimed
        with claimed:
            events.append(claimed.event)

    return events


def test_what_is_put_waits(spool: Spool) -> None:
    """It comes back as it was before it was judged, also if no head could be made of it."""
    spool.put(spool_event())
    assert held(spool) == [without_validation(spool_event())]


def test_the_oldest_come_first(spool: Spool) -> None:
    """They are moved in the order in which they were written."""
    order = (2, 0, 3, 1)
    for minute, number in enumerate(order):
        spool.put(spool_event(number))
        path = spool.path / f"{spool_event(number).sha256.hex()}.callback"
        os.utime(path, (60 * minute, 60 * minute))
    assert [each.body for each in held(spool)] == [spool_event(number).body for number in order]


def test_putting_twice_makes_one_file(spool: Spool) -> None:
    """However often one body is replayed, with whatever headers, its first file stays as it is."""
    spool.put(spool_event())
    before = only_file(spool).stat()
    for _ in range(3):
        spool.put(replace(spool_event(), idempotency_token="another"))
        spool.put(replace(spool_event(), head=None, content_type="text/plain"))
    after = only_file(spool).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_file_is_replaced(spool: Spool) -> None:
    """What is put may be acknowledged, so it isn't enough that a file of that name is there."""
    spool.put(spool_event())
    path = only_file(spool)
    path.write_bytes(path.read_bytes()[:50])
    spool.put(spool_event())
    assert held(spool) == [without_validation(spool_event())]


def test_nobody_else_may_read_it(spool: Spool) -> None:
    """The folder has mode 0700 and a file 0600, whatever the process's mask."""
    mask = os.umask(0)
    try:
        spool.put(spool_event())
    finally:
        os.umask(mask)
    assert spool.path.stat().st_mode & 0o777 == 0o700
    assert only_file(spool).stat().st_mode & 0o777 == 0o600


def test_many_at_once_lose_nothing(spool: Spool) -> None:
    """Threads that put the same and other callbacks end with one file for each."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spool.put, [spool_event(number % 20) for number in range(200)]))
    assert {each.body for each in held(spool)} == {spool_event(number).body for number in range(20)}
    assert len(file_names(spool)) == 20


@pytest.mark.parametrize(("size", "kept"), [(10, 1), (5_000, 0)])
def test_a_full_disk_is_an_error_and_leaves_nothing(spool: Spool, size: int, kept: int) -> None:
    """Where the bytes don't fit, neither the file nor a part of it stays behind."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, spool.path, str(size)], cwd=ROOT, timeout=30, check=False
    )
    assert (done.returncode, len(file_names(spool))) == (0 if kept else 28, kept)


def test_an_unusable_folder_is_an_error(tmp_path: Path) -> None:
    """A file in its place, or a disk that isn't mounted, is no folder to put anything in."""
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "missing" / "spool"):
        with pytest.raises(OSError, match=r"No such file|Not a directory"):
            Spool(path, durable=True).put(spool_event())
        with pytest.raises(OSError, match=r"No such file|Not a directory"):
            Spool(path, durable=True).probe()
    assert not (tmp_path / "missing").exists()


def test_a_probe_leaves_nothing(spool: Spool) -> None:
    """It makes the folder and shows that it can be written to."""
    spool.probe()
    assert file_names(spool) == []


def test_an_unfinished_file_never_waits(spool: Spool) -> None:
    """What a killed process has half written is moved by nobody."""
    spool.put(spool_event())
    whole = only_file(spool)
    whole.rename(spool.path / "half.unfinished")
    assert spool.list_files() == []
    assert file_names(spool) == ["half.unfinished"]


def test_an_old_unfinished_file_is_removed(spool: Spool) -> None:
    """Nobody was told that it is kept, and it takes room."""
    spool.path.mkdir()
    for name, written in (("old.unfinished", 0), ("notes.txt", 0), ("new.unfinished", None)):
        (spool.path / name).write_bytes(b"{")
        if written is not None:
            os.utime(spool.path / name, (written, written))
    assert spool.list_files() == []
    assert file_names(spool) == ["new.unfinished", "notes.txt"]


def test_damaged_files_are_named(spool: Spool) -> None:
    """The operator reads which, and the whole ones aren't among them."""
    for number in range(3):
        spool.put(spool_event(number))
    broken = spool.path / spool.list_files()[1].name
    broken.write_bytes(b"")
    assert list(spool.find_damaged()) == [broken.name]


def test_an_empty_spool_needs_no_folder(spool: Spool) -> None:
    """Before the first callback there is none, and nothing waits."""
    assert (spool.list_files(), spool.find_damaged()) == ([], {})
