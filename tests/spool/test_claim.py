"""Tests of claiming: only one process at a time works on a file."""

import fcntl
import signal
import subprocess
import sys

import pytest

from receiver.spool.claim import claim
from receiver.spool.errors import CorruptFileError
from receiver.spool.folder import Spool
from tests.support.paths import ROOT
from tests.support.spool_events import file_names, only_file, spool_event
from tests.support.spooled import SEAL

HOLDER_CODE = """
import sys
from pathlib import Path
from receiver.spool.claim import claim
from tests.support.spooled import SEAL
held = claim(Path(sys.argv[1]), SEAL)
print("held", flush=True)
sys.stdin.read()
"""


def test_claimed_file_cannot_be_claimed_again(spool: Spool) -> None:
    """A claimed file can be claimed again only after the first claim has ended."""
    spool.put(spool_event())
    path = only_file(spool)
    first = claim(path, SEAL)
    assert first
    with first:
        assert claim(path, SEAL) is None
    second = claim(path, SEAL)
    assert second
    with second:
        assert second.event.body == spool_event().body


def test_removed_file_cannot_be_claimed(spool: Spool) -> None:
    """A file that was removed can't be claimed by its old name."""
    spool.put(spool_event())
    path = only_file(spool)
    claimed = claim(path, SEAL)
    assert claimed
    with claimed:
        claimed.remove()
    assert (claim(path, SEAL), file_names(spool)) == (None, [])


def test_killed_process_releases_its_claim(spool: Spool) -> None:
    """A file whose holder was killed can be claimed at once, and is unchanged."""
    spool.put(spool_event())
    path = only_file(spool)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER_CODE, path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert claim(path, SEAL) is None
        process.send_signal(signal.SIGKILL)
    claimed = claim(path, SEAL)
    assert claimed
    with claimed:
        assert claimed.event.body == spool_event().body


def test_damaged_file_is_reported_and_released(spool: Spool) -> None:
    """Claiming a damaged file raises CorruptFileError, and the file stays unclaimed."""
    spool.put(spool_event())
    path = only_file(spool)
    path.write_bytes(b"{}\n")
    for _ in range(2):
        with pytest.raises(CorruptFileError):
            claim(path, SEAL)
    assert path.exists()


def test_file_removed_before_the_lock_is_not_claimed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another process finishes between opening and locking isn't claimed."""
    spool.put(spool_event())
    path = only_file(spool)
    flock = fcntl.flock

    def remove_and_lock(file: int, operation: int) -> None:
        path.unlink()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", remove_and_lock)
    assert claim(path, SEAL) is None
