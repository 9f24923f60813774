"""Writing to disk so that it stays: the file's bytes, then its name in the folder."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

# The name of a file that isn't whole yet, or never will be.
UNFINISHED = ".unfinished"

# In seconds. Whoever writes is done, or killed, long before; nobody was told that it is kept.
_FORGOTTEN_AFTER = 3600.0


def make_folder(folder: Path) -> None:
    """Make the folder if it is missing, for our eyes only; one that is there is the operator's.

    Not the one it is in: where that is missing, a disk isn't mounted.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    sync(folder.parent)


def write_unfinished(folder: Path, data: bytes) -> Path:
    """Return a new file that holds the data durably, yet to be given its name.

    Raises OSError, after which there is none.
    """
    path = folder / f"{secrets.token_hex(16)}{UNFINISHED}"
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
    """Give the file its name, whoever may have had it; `sync` makes that durable."""
    try:
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def remove_if_forgotten(path: Path) -> None:
    """Remove an unfinished file that a killed process has left."""
    # It may have been finished in the meantime; and what can't be removed harms nobody.
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > _FORGOTTEN_AFTER:
            path.unlink()


def sync(folder: Path) -> None:
    """Make the names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
