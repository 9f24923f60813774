"""Durability: what is on the disk, and not only in the kernel's memory, before `put` returns."""

import os
from pathlib import Path

import pytest

from receiver.spool.folder import Spool
from tests.support.spool_events import only_file, spool_event


@pytest.fixture
def steps(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is synced and named from now on, in its order."""
    told: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def tell_sync(descriptor: int) -> None:
        number = os.fstat(descriptor).st_ino
        known = {spool.path.parent.stat().st_ino: "parent", spool.path.stat().st_ino: "folder"}
        told.append(known.get(number, "file"))
        fsync(descriptor)

    def tell_name(path: Path, target: Path) -> Path:
        told.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", tell_sync)
    monkeypatch.setattr(Path, "replace", tell_name)

    return told


def test_the_bytes_are_durable_before_their_name_and_that_before_the_end(
    spool: Spool, steps: list[str]
) -> None:
    """First the new folder itself, then the file, its name, and the folder that holds the name."""
    spool.put(spool_event(1))
    assert steps == ["parent", "file", "name", "folder"]
    steps.clear()
    spool.put(spool_event(2))
    assert steps == ["file", "name", "folder"]


def test_another_processs_file_is_made_durable_too(spool: Spool, steps: list[str]) -> None:
    """It may be there and not yet on the disk, for its writer is still at it."""
    spool.put(spool_event())
    steps.clear()
    spool.put(spool_event())
    assert steps == ["file", "folder"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Neither a disk that fails to write nor one that takes no name keeps a part of the file."""
    spool.put(spool_event(1))
    before = only_file(spool)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    owner: object = os if failing == "fsync" else Path
    with monkeypatch.context() as broken:
        broken.setattr(owner, failing, fail)
        with pytest.raises(OSError, match="Input/output error"):
            spool.put(spool_event(2))
    assert only_file(spool) == before
