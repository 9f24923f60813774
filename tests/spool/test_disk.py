"""Tests of durability: what is on the disk before `put` returns."""

import os
from pathlib import Path

import pytest

from receiver.spool.folder import Spool
from tests.support.spool_events import only_file, spool_event


@pytest.fixture
def disk_steps(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the syncs and renames from now on, in their order."""
    recorded: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def record_sync(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        names = {spool.path.parent.stat().st_ino: "parent", spool.path.stat().st_ino: "folder"}
        recorded.append(names.get(inode, "file"))
        fsync(descriptor)

    def record_rename(path: Path, target: Path) -> Path:
        recorded.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(Path, "replace", record_rename)

    return recorded


def test_put_syncs_file_before_rename_and_folder_after_it(
    spool: Spool, disk_steps: list[str]
) -> None:
    """`put` syncs a new folder, then the file; it renames the file, then syncs its folder."""
    spool.put(spool_event(1))
    assert disk_steps == ["parent", "file", "rename", "folder"]
    disk_steps.clear()
    spool.put(spool_event(2))
    assert disk_steps == ["file", "rename", "folder"]


def test_existing_file_is_synced_too(spool: Spool, disk_steps: list[str]) -> None:
    """`put` syncs a file that exists, because another process may still be writing it."""
    spool.put(spool_event())
    disk_steps.clear()
    spool.put(spool_event())
    assert disk_steps == ["file", "folder"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_failed_write_leaves_no_file(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A write or a rename that fails leaves no part of the file."""
    spool.put(spool_event(1))
    before = only_file(spool)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    owner: object = os if failing == "fsync" else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, failing, fail)
        with pytest.raises(OSError, match="Input/output error"):
            spool.put(spool_event(2))
    assert only_file(spool) == before
