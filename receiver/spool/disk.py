"""Writes files durably: first the file's bytes, then its name in the folder."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from receiver.runtime.durable import sync_folder
from receiver.spool.private import require_private_folder, require_private_parents

# The name of a file that isn't completely written, and may never be.
UNFINISHED_SUFFIX = ".unfinished"

# A writer needs much less time. An older file is left by a killed process, which didn't acknowledge
# the callback.
_ABANDONED_AFTER_SECONDS = 3600.0


def make_folder(folder: Path) -> None:
    """Create the folder with mode 0700 if it doesn't exist, and require that it is private.

    The parent must exist: if it doesn't, a disk isn't mounted. Raises UnsafeFolderError if another
    user may write to the folder or replace it.
    """
    require_private_parents(folder)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        sync_folder(folder.parent)
    require_private_folder(folder)


def write_unfinished(folder: Path, data: bytes) -> Path:
    """Return a new file that contains the data durably, under a temporary name.

    Raises OSError; no file is left then.
    """
    path = folder / f"{secrets.token_hex(16)}{UNFINISHED_SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise

    return path


def finish(unfinished: Path, path: Path) -> None:
    """Give the file its final name, replacing any file there; `sync_folder` makes that durable."""
    try:
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def remove_if_abandoned(path: Path) -> None:
    """Remove an unfinished file that a killed process has left."""
    # Its writer may just have finished it. And a file that can't be removed does no harm.
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
            path.unlink()
