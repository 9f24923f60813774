"""Keeping what was judged: recorded as it should be, or at the very least as bytes."""

import logging

from sqlalchemy import Engine

from receiver.deadline import Deadline
from receiver.fault import place_of
from receiver.ingest.judge import quarantined
from receiver.store.event import Event
from receiver.store.record import Recorded, record
from receiver.store.retry import Unavailable, until

logger = logging.getLogger(__name__)


def keep(engine: Engine, event: Event, deadline: Deadline) -> Recorded:
    """Return what the ledger says once the event is durable; raises Unavailable at the deadline.

    What the store refuses for its values, which nobody foresaw, is kept as quarantined.
    """
    try:
        return until(deadline, lambda: record(engine, event))
    except Unavailable:
        raise
    except Exception as error:
        if event.head is None:
            raise
        logger.error("recording failed: %s", place_of(error))  # noqa: TRY400 - no text of its own
        event = quarantined(event, "unstorable", f"{type(error).__name__} while recording it.")
        return until(deadline, lambda: record(engine, event))
