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

    A second Ctrl-C ends the process at once, even while its threads wait for Twilio. Nothing is
    lost then: running the command again creates no second job.
    """
    interrupts: list[int] = []
    previous_handler = signal.getsignal(signal.SIGINT)

    def stop(number: int, _frame: object) -> None:
        interrupts.append(number)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        batch.stop()
        # Write without Python's buffers: the signal may have interrupted a write to them.
        os.write(2, b"\nStopping after the jobs in progress; press Ctrl-C again to stop at once.\n")

    signal.signal(signal.SIGINT, stop)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous_handler)
