"""The state of one worker: what it holds at this moment."""

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, QueuePool

from receiver.bodies.reader import BodyReader
from receiver.spool.folder import Spool
from receiver.store.ledger.group_commit import GroupCommitter

# These files exist on Linux only.
_STATM = Path("/proc/self/statm")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class SpoolState:
    """The spool as it was last listed. All workers that share the folder have the same `place`."""

    place: str
    files: int
    oldest_at: float | None  # Unix time


@dataclass(frozen=True, kw_only=True)
class WorkerState:
    """What one worker holds."""

    memory_bytes: int | None  # None if the system doesn't say
    held_bytes: int  # of callbacks' bodies
    queued: int  # callbacks that wait for their commit
    connections: int  # to the database, in use
    spool: SpoolState | None

    def to_dict(self) -> dict[str, Any]:
        """Return the state as it is stored."""
        return asdict(self)


def total_of_spools(states: Iterable[Mapping[str, Any]]) -> tuple[int, float | None] | None:
    """Return how many files wait in all folders, and when the oldest was written.

    The states are those of all workers. None if no worker has a spool.
    """
    # All workers of a machine see the same folder.
    spools = {spool["place"]: spool for state in states if (spool := state.get("spool"))}.values()
    if not spools:
        return None
    times = [spool["oldest_at"] for spool in spools if spool["oldest_at"] is not None]

    return sum(spool["files"] for spool in spools), min(times, default=None)


def measure(
    engine: Engine, body_reader: BodyReader, committer: GroupCommitter, spool: Spool | None
) -> WorkerState:
    """Return the state of this worker."""
    return WorkerState(
        memory_bytes=_memory_bytes(),
        held_bytes=body_reader.held_bytes,
        queued=committer.queue_length,
        connections=cast("QueuePool", engine.pool).checkedout(),
        spool=_spool_state(spool) if spool else None,
    )


def _memory_bytes() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _spool_state(spool: Spool) -> SpoolState | None:
    listed = spool.listed
    if listed is None or listed.folder is None:
        return None
    device, inode = listed.folder

    return SpoolState(
        place=f"{_machine()}:{device}:{inode}", files=listed.files, oldest_at=listed.oldest_at
    )


@cache
def _machine() -> str:
    """Return what identifies the running system, which several containers may share."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return socket.gethostname()
