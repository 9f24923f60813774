"""Checks a mediaUrl within a request; few checks run at a time, because callbacks come first."""

from threading import BoundedSemaphore

from receiver.preflight.check import check
from receiver.preflight.errors import Issue, PreflightBusyError
from receiver.runtime.deadline import Deadline

MAX_CHECK_COUNT = 4  # at a time, in each worker
# The limit for waiting and checking together. It leaves time for the submission to Twilio.
TIMEOUT_SECONDS = 3.0
# The limit for waiting only, so that enough time is left for the check.
SLOT_TIMEOUT_SECONDS = 1.0

_slots = BoundedSemaphore(MAX_CHECK_COUNT)


def check_throttled(url: str) -> list[Issue]:
    """Return what would fail; raises PreflightBusyError if too many checks are running."""
    deadline = Deadline(TIMEOUT_SECONDS)
    if not _slots.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        raise PreflightBusyError
    try:
        return check(url, timeout_seconds=deadline.remaining())
    finally:
        _slots.release()
