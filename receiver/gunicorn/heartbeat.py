"""The heartbeat of a worker in memory that no other user of the machine can fill.

gunicorn's master looks at the time of a file that each worker touches, and makes this file before
it starts the worker. If it can't, it ends the service: another user who has filled /dev/shm or /tmp
would stop everything at the next restart of one worker.
"""

import os
from typing import Any

from gunicorn.workers import base  # type: ignore[import-untyped]
from gunicorn.workers.workertmp import WorkerTmp  # type: ignore[import-untyped]


class Heartbeat(WorkerTmp):  # type: ignore[misc]  # gunicorn has no types
    """A file without a name in any file system, as far as the system has such files (Linux)."""

    def __init__(self, cfg: Any) -> None:
        try:
            descriptor = os.memfd_create("gunicorn-heartbeat")
        except (AttributeError, OSError):
            super().__init__(cfg)
            return
        # The worker may run as another user, and only the owner may set the time.
        if (cfg.uid, cfg.gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, cfg.uid, cfg.gid)
        self._tmp = os.fdopen(descriptor, "w+b", 0)


def install() -> None:
    """Let gunicorn use it for each worker; there is no setting for this."""
    base.WorkerTmp = Heartbeat
