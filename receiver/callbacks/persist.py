"""Persists events: in the ledger, or in the spool while the database is unavailable."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit
from receiver.spool.folder import Spool
from receiver.store.event import Event
from receiver.store.ledger.record import Record, record_or_quarantine
from receiver.store.ledger.recorded import Recorded
from receiver.store.retry import DatabaseUnavailableError, LockedError

logger = logging.getLogger(__name__)

# The spool's part of a request's time, but at most half of the time that is left.
SPOOL_SECONDS = 2.0
# The database's failure counts only if it had this much time: after a slow sender, little is left.
MIN_FAIR_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Spooled:
    """The event is in the spool; `durable` is what the operator declared about the spool."""

    durable: bool


Persisted = Recorded | Spooled


def persist(record: Record, spool: Spool | None, event: Event, deadline: Deadline) -> Persisted:
    """Return where the event was made durable, or raise the error that prevented it.

    The spool stores what the ledger can't. It is tried first only while the database is known to be
    unavailable, and only if it is durable: a callback in any other spool is answered 503, and an
    early 503 would waste one of Twilio's few retries.
    """
    if spool is None:
        return record_or_quarantine(record, event, deadline)
    to_ledger = partial(_to_ledger, record, spool, event)
    to_spool = partial(_to_spool, spool, event)
    if spool.durable and spool.breaker.is_open():
        return _first_of(to_spool, Deadline(SPOOL_SECONDS), to_ledger, deadline)
    remaining_seconds = deadline.remaining()
    ledger_deadline = Deadline(max(remaining_seconds - SPOOL_SECONDS, remaining_seconds / 2))

    return _first_of(to_ledger, ledger_deadline, to_spool, deadline)


def _first_of(
    first: Callable[[Deadline], Persisted],
    first_deadline: Deadline,
    second: Callable[[Deadline], Persisted],
    second_deadline: Deadline,
) -> Persisted:
    """Persist with `first` by its deadline; if that fails, with `second` by its own deadline."""
    # Every error is logged where it is raised. An error in our own code must not lose a transcript
    # either.
    with suppress(Exception):
        return first(first_deadline)

    return second(second_deadline)


@contextmanager
def _logging_failure(store_name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("%s did not store a callback: %s", store_name, locate(error))
        raise


def _to_ledger(record: Record, spool: Spool, event: Event, deadline: Deadline) -> Persisted:
    seconds = deadline.remaining()
    try:
        with _logging_failure("the database"), time_limit(seconds):
            recorded = record_or_quarantine(record, event, deadline)
    except LockedError:
        raise  # it concerns one job, and says nothing about the database
    except (DatabaseUnavailableError, DeadlineExceededError):
        if seconds >= MIN_FAIR_SECONDS:
            spool.breaker.trip()
        raise
    spool.breaker.reset()

    return recorded


def _to_spool(spool: Spool, event: Event, deadline: Deadline) -> Persisted:
    with _logging_failure("the spool"), time_limit(deadline.remaining()):
        run_in_thread(spool.put, event)

    return Spooled(spool.durable)
