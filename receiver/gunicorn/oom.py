"""Out of memory: the kernel must kill a worker, which is replaced, and not the master process.

It kills the largest process. The master has imported what its workers share, so a worker that has
just begun counts as smaller, and the end of the master is the end of the service.
"""

from contextlib import suppress
from pathlib import Path

_ADJUSTMENT = Path("/proc/self/oom_score_adj")  # in thousandths of the memory; Linux only
_MAX_ADJUSTMENT = 1000
# 14 MB of 140, with which two workers barely run. With half of it, the master was killed there.
WORKER_ADJUSTMENT = 100


def prefer_worker() -> None:
    """Let the kernel prefer this process, a worker, to others of its size. Anyone may ask that."""
    with suppress(OSError):
        adjustment = int(_ADJUSTMENT.read_text()) + WORKER_ADJUSTMENT
        _ADJUSTMENT.write_text(str(min(adjustment, _MAX_ADJUSTMENT)))
