"""Makes Ctrl-C end a batch cleanly."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from receiver.submissions.batch import Batch

# The exit code of an interrupted command, as shells define it.
INTERRUPTED = 128 + signal.SIGINT


@contextmanager
def stop_on_ctrl_c(batch: Batch) -> Iterator[list[int]]:
    """Let Ctrl-C stop the batch after the jobs in progress; yield the list of signals received.

    After the first Ctrl-C, Python's default handler is active again: a second one interrupts
    immediately.
    """
    interrupts: list[int] = []
    previous_handler = signal.getsignal(signal.SIGINT)

    def stop(number: int, _frame: object) -> None:
        interrupts.append(number)
        signal.signal(signal.SIGINT, previous_handler)
        batch.stop()
        # Write without Python's buffers: the signal may have interrupted a write to them.
        os.write(2, b"\nStopping after the jobs in progress; press Ctrl-C again to stop at once.\n")

    signal.signal(signal.SIGINT, stop)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous_handler)
