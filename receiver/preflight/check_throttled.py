"""A look within a request: a few at a time in each worker, since callbacks come first."""

from threading import BoundedSemaphore

from receiver.preflight.check import check
from receiver.preflight.errors import Fault, PreflightBusyError
from receiver.runtime.deadline import Deadline

# In seconds: for the turn and the look together; it leaves Twilio some time for the submission.
SECONDS = 3.0
# In seconds: how long to wait for the turn, so that enough is left to look.
FOR_A_TURN = 1.0

_turns = BoundedSemaphore(4)


def check_throttled(url: str) -> list[Fault]:
    """Return what would fail, or raise Busy if too much is being looked at."""
    deadline = Deadline(SECONDS)
    if not _turns.acquire(timeout=FOR_A_TURN):
        raise PreflightBusyError
    try:
        return check(url, seconds=deadline.remaining())
    finally:
        _turns.release()
