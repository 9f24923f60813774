"""Refuses a folder or a file that another user of the machine may have made or changed.

Root is trusted, and so is the owner of `/`: inside a user namespace, root's files belong to it.
"""

import errno
import os
import stat
from pathlib import Path

from receiver.runtime.errors import ReceiverError
from receiver.spool.errors import RefusedFileError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UnsafeFolderError(ReceiverError, OSError):
    """Another user may write to the spool's folder or replace it; the text names the folder."""

    def __init__(self, folder: Path, cause: str) -> None:
        super().__init__(errno.EPERM, f"{folder} {cause}")


def require_private_parents(folder: Path) -> None:
    """Raise UnsafeFolderError if another user may replace the folder, or OSError.

    In a sticky folder, such as /tmp, only the owner of an entry may replace it.
    """
    for parent in _find_parents(folder):
        status = parent.stat()
        if {status.st_uid, parent.lstat().st_uid} - _trusted_owners():
            raise UnsafeFolderError(parent, "belongs to another user, who may replace its content")
        if status.st_mode & _OTHERS_MAY_WRITE and not status.st_mode & stat.S_ISVTX:
            raise UnsafeFolderError(
                parent,
                f"has mode {stat.S_IMODE(status.st_mode):04o}, so other users may replace its "
                "content",
            )


def _find_parents(folder: Path) -> list[Path]:
    """Return all folders and symbolic links through which the path leads, without itself."""
    found: dict[Path, None] = {}
    pending = list(folder.absolute().parents)
    while pending:
        parent = pending.pop()
        if parent in found:
            continue
        found[parent] = None
        if parent.is_symlink():  # its target has other parents, and may be a link again
            target = parent.parent / parent.readlink()
            pending += [target, *target.parents]

    return list(found)


def require_private_folder(folder: Path) -> None:
    """Raise UnsafeFolderError if another user may write to the folder or replace it, or OSError."""
    require_private_parents(folder)
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise UnsafeFolderError(folder, "is a symbolic link; set SPOOL_DIR to its target")
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if cause := _find_foreign_access(status):
        raise UnsafeFolderError(folder, cause)


def open_private_file(path: Path, flags: int) -> int:
    """Return a descriptor of a file that only this user can have written.

    Raises RefusedFileError for any other file, a link or a pipe, or OSError.
    """
    # Before it is opened, because opening a foreign file may fail or block.
    _require_private_file(path.lstat())
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_private_file(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise

    return descriptor


def _require_private_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedFileError("is not a regular file")
    if cause := _find_foreign_access(status):
        raise RefusedFileError(cause)


def _find_foreign_access(status: os.stat_result) -> str | None:
    user = os.geteuid()
    if status.st_uid != user:
        return f"belongs to user {status.st_uid}, but this process runs as user {user}"
    if status.st_mode & _OTHERS_MAY_WRITE:
        return f"has mode {stat.S_IMODE(status.st_mode):04o}, so other users may write to it"

    return None


def _trusted_owners() -> set[int]:
    return {0, os.geteuid(), Path("/").stat().st_uid}
