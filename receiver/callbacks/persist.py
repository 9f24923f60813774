"""Keeping what was judged: in the ledger, or in the spool while the database is away."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from receiver.events.record import Record, record_or_quarantine
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit
from receiver.spool.folder import Spool
from receiver.store.event import Event
from receiver.store.ledger.record import Recorded
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# In seconds: what the spool has of a request's time, and at most half of what is left of it.
SPOOL_SECONDS = 2.0
# How long the database must have had for a failure to say something about it: a sender that takes
# its time with the body leaves it little.
FAIR_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Spooled:
    """The event is in the spool, of which the operator says whether it outlives the machine."""

    durable: bool


Persisted = Recorded | Spooled


def persist(record: Record, spool: Spool | None, event: Event, deadline: Deadline) -> Persisted:
    """Return where the event has been made durable, or raise what kept it from that.

    The spool takes what the ledger can't. It comes first only while the database is known to be
    away, and only if it is durable: another one is answered 503, and to do that at once would burn
    one of Twilio's few tries.
    """
    if spool is None:
        return record_or_quarantine(record, event, deadline)
    to_ledger = partial(_to_ledger, record, spool, event)
    to_spool = partial(_to_spool, spool, event)
    if spool.durable and spool.breaker.is_open():
        return _first(to_spool, Deadline(SPOOL_SECONDS), to_ledger, deadline)

    left = deadline.remaining()

    return _first(to_ledger, Deadline(max(left - SPOOL_SECONDS, left / 2)), to_spool, deadline)


def _first(
    one: Callable[[Deadline], Persisted],
    until_one: Deadline,
    other: Callable[[Deadline], Persisted],
    until_other: Deadline,
) -> Persisted:
    """Return what one way gives within its time, or else what the other gives."""
    # Whatever it is that failed, and told so: our own faults must not cost a transcript either.
    with suppress(Exception):
        return one(until_one)

    return other(until_other)


@contextmanager
def _telling(place: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("%s did not take a callback: %s", place, locate(error))
        raise


def _to_ledger(record: Record, spool: Spool, event: Event, deadline: Deadline) -> Persisted:
    seconds = deadline.remaining()
    try:
        with _telling("the database"), time_limit(seconds):
            recorded = record_or_quarantine(record, event, deadline)
    except (DatabaseUnavailableError, DeadlineExceededError):
        if seconds >= FAIR_SECONDS:
            spool.breaker.trip()
        raise
    spool.breaker.reset()

    return recorded


def _to_spool(spool: Spool, event: Event, deadline: Deadline) -> Persisted:
    with _telling("the spool"), time_limit(deadline.remaining()):
        run_in_thread(spool.put, event)

    return Spooled(spool.durable)
