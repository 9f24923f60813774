"""Recording an event, or quarantining it where the store refuses its values."""

import logging
from collections.abc import Callable

from receiver.events.validate import quarantined
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.store.event import Event
from receiver.store.ledger.record import Recorded
from receiver.store.retry import DatabaseUnavailableError, retry_until

logger = logging.getLogger(__name__)

# What makes an event durable: store.ledger.record.record, or group_commit.Together.record.
Record = Callable[[Event], Recorded]


def record_or_quarantine(record: Record, event: Event, deadline: Deadline) -> Recorded:
    """Return what the ledger says once the event is durable.

    Raises DatabaseUnavailableError at the deadline.

    What the store refuses for its values, which nobody foresaw, is kept as quarantined.
    """
    try:
        return retry_until(deadline, lambda: record(event))
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        if event.head is None:
            raise
        logger.error("recording failed: %s", locate(error))  # noqa: TRY400 - no text of its own
        event = quarantined(event, "unstorable", f"{type(error).__name__} while recording it.")
        return retry_until(deadline, lambda: record(event))
