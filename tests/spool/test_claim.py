"""Claiming: one process at a time works on a file."""

import signal
import subprocess
import sys

import pytest

from receiver.spool.claim import claim
from receiver.spool.file import CorruptFileError
from receiver.spool.folder import Spool
from tests.support.paths import ROOT
from tests.support.spool_events import file_names, only_file, spool_event

HOLD = """
import sys
from pathlib import Path
from receiver.spool.claim import claim
held = claim(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_what_is_claimed_is_nobody_elses(spool: Spool) -> None:
    """A second claim finds nothing until the first one ends; then the file is there again."""
    spool.put(spool_event())
    path = only_file(spool)
    first = claim(path)
    assert first
    with first:
        assert claim(path) is None
    again = claim(path)
    assert again
    with again:
        assert again.event.body == spool_event().body


def test_what_is_done_is_gone(spool: Spool) -> None:
    """The file is removed, and whoever still has its name finds nothing."""
    spool.put(spool_event())
    path = only_file(spool)
    claimed = claim(path)
    assert claimed
    with claimed:
        claimed.remove()
    assert (claim(path), file_names(spool)) == (None, [])


def test_a_killed_process_holds_nothing(spool: Spool) -> None:
    """After a kill -9 of its holder the file is free at once, and still there."""
    spool.put(spool_event())
    path = only_file(spool)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert claim(path) is None
        holder.send_signal(signal.SIGKILL)
    free = claim(path)
    assert free
    with free:
        assert free.event.body == spool_event().body


def test_a_damaged_file_is_told_and_let_go(spool: Spool) -> None:
    """Nobody gets it, it stays, and it isn't held."""
    spool.put(spool_event())
    path = only_file(spool)
    path.write_bytes(b"{}\n")
    for _ in range(2):
        with pytest.raises(CorruptFileError):
            claim(path)
    assert path.exists()


def test_a_file_that_was_moved_while_it_was_opened_is_gone(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking the file another process may finish it: it isn't moved twice."""
    spool.put(spool_event())
    path = only_file(spool)
    locks = claim.__globals__["fcntl"].flock

    def flock_late(file: object, how: int) -> None:
        path.unlink()
        locks(file, how)

    monkeypatch.setattr("fcntl.flock", flock_late)
    assert claim(path) is None
