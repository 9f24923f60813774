"""Tests of who may write to the spool: nobody else than the service's own user."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.spool.errors import RefusedFileError
from receiver.spool.folder import Spool
from receiver.spool.private import UnsafeFolderError
from tests.support.spool_events import file_names, only_file, spool_event
from tests.support.spooled import SEAL

OTHER_USER = 12345
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


def _uses(spool: Spool) -> list[Callable[[], object]]:
    """Return everything that uses the folder."""
    return [
        lambda: spool.put(spool_event(2)),
        spool.probe,
        spool.list_files,
        spool.find_unusable,
        lambda: spool.claim(f"{spool_event().sha256.hex()}.callback"),
    ]


def _assert_refused(spool: Spool, text: str) -> None:
    for use in _uses(spool):
        with pytest.raises(UnsafeFolderError, match=text):
            use()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o720])
def test_folder_that_others_may_write_to_is_refused(spool: Spool, mode: int) -> None:
    """A folder that its group or others may write to isn't used, even if it is sticky."""
    spool.put(spool_event())
    names = file_names(spool)
    spool.path.chmod(mode)
    _assert_refused(spool, f"{spool.path} has mode {mode:04o}")
    assert file_names(spool) == names


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_folder_that_others_may_only_read_is_used(spool: Spool, mode: int) -> None:
    """A folder that others may read, and only its owner may write to, is used."""
    spool.path.mkdir()
    spool.path.chmod(mode)
    for use in _uses(spool):
        use()


@AS_ROOT
def test_folder_of_another_user_is_refused(spool: Spool) -> None:
    """A folder that another user made first isn't used, even if its mode is 0700."""
    spool.put(spool_event())
    os.chown(spool.path, OTHER_USER, -1)
    _assert_refused(spool, f"belongs to user {OTHER_USER}, but this process runs as user 0")


def test_symbolic_link_is_refused(spool: Spool) -> None:
    """A symbolic link in place of the folder isn't followed."""
    target = spool.path.with_name("target")
    target.mkdir(mode=0o700)
    spool.path.symlink_to(target)
    _assert_refused(spool, "is a symbolic link")
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(("mode", "is_safe"), [(0o777, False), (0o775, False), (0o1777, True)])
def test_parent_that_others_may_write_to_must_be_sticky(
    tmp_path: Path, mode: int, *, is_safe: bool
) -> None:
    """Below a parent that others may write to, only a sticky one protects the folder."""
    parent = tmp_path / "parent"
    below = parent / "private"
    below.mkdir(parents=True)
    parent.chmod(mode)
    for folder in (parent / "spool", below / "spool"):
        spool = Spool(folder, durable=True, seal=SEAL)
        if is_safe:
            spool.put(spool_event())
        else:
            with pytest.raises(UnsafeFolderError, match=f"{parent} has mode {mode:04o}"):
                spool.put(spool_event())
            assert not folder.exists()


@AS_ROOT
def test_parent_of_another_user_is_refused(tmp_path: Path) -> None:
    """The owner of a parent could replace the folder, so it must be root or the service's user."""
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o755)
    os.chown(parent, OTHER_USER, -1)
    with pytest.raises(UnsafeFolderError, match=f"{parent} belongs to another user"):
        Spool(parent / "spool", durable=True, seal=SEAL).probe()


def test_parents_of_a_link_s_target_are_checked(tmp_path: Path) -> None:
    """If a parent is a symbolic link, the parents of its target count too."""
    target = tmp_path / "open" / "target"
    target.mkdir(parents=True)
    (tmp_path / "link").symlink_to(target)
    spool = Spool(tmp_path / "link" / "spool", durable=True, seal=SEAL)
    spool.put(spool_event())
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="open has mode 0777"):
        spool.put(spool_event())


def test_links_in_a_chain_are_checked(tmp_path: Path) -> None:
    """A link that leads to another link is followed step by step: each may be replaced."""
    (tmp_path / "target").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "second").symlink_to("../target")
    (tmp_path / "first").symlink_to(tmp_path / "open" / "second")
    spool = Spool(tmp_path / "first" / "spool", durable=True, seal=SEAL)
    spool.put(spool_event())
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="open has mode 0777"):
        spool.put(spool_event())


def _make_writable(path: Path) -> None:
    path.chmod(0o620)


def _give_away(path: Path) -> None:
    os.chown(path, OTHER_USER, -1)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".target"))
    path.symlink_to(path.with_suffix(".target"))


def _make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_make_writable, "has mode 0620"),
        pytest.param(_give_away, "belongs to user", marks=AS_ROOT),
        (_link, "is not a regular file"),
        (_make_pipe, "is not a regular file"),
    ],
)
def test_file_that_others_may_have_written_is_set_aside(
    spool: Spool, change: Callable[[Path], None], text: str
) -> None:
    """Such a file is refused and kept; the same callback gets a file of its own."""
    spool.put(spool_event())
    path = only_file(spool)
    change(path)
    inode = path.lstat().st_ino
    with pytest.raises(RefusedFileError, match=text):
        spool.claim(path.name)
    [refused] = spool.find_unusable()
    assert (refused.name, refused.is_refused) == (path.name, True)
    assert text in refused.reason
    spool.put(spool_event())
    claimed = spool.claim(path.name)
    assert claimed
    with claimed:
        assert claimed.event.body == spool_event().body
    [aside] = spool.find_unusable()
    assert aside.is_refused
    kept = spool.path / aside.name
    assert (kept.suffix, kept.lstat().st_ino) == (".refused", inode)


def test_file_with_another_callback_s_name_is_set_aside(spool: Spool) -> None:
    """A file under the name of another callback doesn't count as that callback."""
    spool.put(spool_event(1))
    first = only_file(spool)
    second = spool.path / f"{spool_event(2).sha256.hex()}.callback"
    second.write_bytes(first.read_bytes())
    second.chmod(0o600)
    spool.put(spool_event(2))
    claimed = spool.claim(second.name)
    assert claimed
    with claimed:
        assert claimed.event.body == spool_event(2).body


def test_folder_is_made_private(spool: Spool) -> None:
    """The service makes the folder with mode 0700, which it accepts itself."""
    spool.probe()
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o700
