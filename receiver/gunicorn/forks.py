"""Forks: a worker that can't be started now must not end the service.

gunicorn's master process ends, and ends all workers, if `fork` fails: for example at the limit of
the user's processes (`ulimit -u`), of the container's (`pids.max`), or of the memory.
"""

import os
import signal
from typing import Any

RETRY_SECONDS = 1.0
_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def wait_until_possible(arbiter: Any) -> None:
    """Return when gunicorn's master, `arbiter`, can fork; meanwhile the other workers serve.

    Raises StopIteration, at which gunicorn ends the workers in order, if the service has to end.
    """
    signals = []
    while error := _fork_error():
        arbiter.log.warning("A worker can't be started: %s", os.strerror(error))
        signals += arbiter.wait_for_signals(timeout=RETRY_SECONDS)
        if _ENDING.intersection(signals):
            raise StopIteration
    for number in signals:
        arbiter.SIG_QUEUE.put_nowait(number)


def _fork_error() -> int | None:
    """Return why a process can't be made, as an errno; None if it can."""
    try:
        child = os.fork()
    except OSError as error:
        return error.errno
    if not child:
        os._exit(0)
    os.waitpid(child, 0)

    return None
