"""Records events: the ledger's row and the job's row, in one commit."""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import describe, locate
from receiver.store.engine import fresh_connections, transactional
from receiver.store.erasure.tombstones import event_keys
from receiver.store.event import Event, Outcome
from receiver.store.execute import execute_prepared
from receiver.store.identity import skip_taken_ids
from receiver.store.ledger.recorded import Recorded, parse_entry
from receiver.store.ledger.rows import keys_parameter, lock_parameter, row_parameters
from receiver.store.ledger.statements import RECORD_NEWEST
from receiver.store.ledger.under_lock import record_quarantined, record_under_lock
from receiver.store.retry import LockedError, retry_until
from receiver.store.sqlstate import Cause, cause_of, is_unique_violation

logger = logging.getLogger(__name__)

# How long a write waits for a lock. Usually another worker holds it, until its commit.
LOCK_WAIT_SECONDS = 0.25
# The same for a write that must not delay others, while a lock is known to be held for longer.
SHORT_LOCK_WAIT_SECONDS = 0.01


# Makes an event durable: `record` on an engine, or GroupCommitter.record.
Record = Callable[[Event], Recorded]


def record_or_quarantine(record: Record, event: Event, deadline: Deadline) -> Recorded:
    """Return the event's entry when it is durable; retry until the deadline.

    If the database refuses the event's values twice, the second time on a new connection, the event
    is quarantined as unstorable. Raises DatabaseUnavailableError at the deadline; any other error
    is a fault of our code.
    """
    try:
        return retry_until(deadline, record, event)
    except Exception as error:
        if event.head is None or cause_of(error) is not Cause.VALUES:
            raise
        logger.warning("the event's values were refused, trying again: %s", locate(error))
    try:
        # Another connection may have other settings, or fresh statements.
        with fresh_connections():
            return retry_until(deadline, record, event)
    except Exception as error:
        if cause_of(error) is not Cause.VALUES:
            raise
        logger.error("recording failed: %s", locate(error))  # noqa: TRY400 - the text may quote the body
        detail = f"{describe(error)} while recording it."
        return retry_until(deadline, record, event.quarantined("unstorable", detail))


def record(engine: Engine, event: Event, *, lock_seconds: float = LOCK_WAIT_SECONDS) -> Recorded:
    """Make the event durable, and fold it into its job.

    Raises sqlalchemy.exc.SQLAlchemyError; its cause is LOCK if a row stays locked for longer than
    `lock_seconds`. Raises UnencodableError for values that have no encoding. Then nothing is
    stored. After a failed connection this is unknown, and a second call is safe.
    """
    try:
        return _record(engine, event, lock_seconds)
    except DBAPIError as error:
        if cause_of(error) is Cause.TAKEN_ID:
            _skip_taken_ids(engine)
        raise


def record_unless_locked(engine: Engine, event: Event) -> Recorded:
    """Record the event as `record` does; raise LockedError at once if its job is locked."""
    try:
        return record(engine, event, lock_seconds=SHORT_LOCK_WAIT_SECONDS)
    except DBAPIError as error:
        if cause_of(error) is Cause.LOCK:
            raise LockedError("another transaction has locked its job") from error
        raise


def _record(engine: Engine, event: Event, lock_seconds: float) -> Recorded:
    if event.head is None:
        with engine.connect() as connection:
            return record_quarantined(connection, event)
    if event.deliveries:  # an event that is only validated again is in the ledger already
        try:
            recorded = record_newest(engine, [event], lock_seconds=lock_seconds)
        except DBAPIError as error:
            # Usually the digest is in the ledger as quarantined, and is promoted below. The index
            # isn't known by its name: REINDEX CONCURRENTLY changes that. If another index refused
            # the row, it refuses it below too.
            if not is_unique_violation(error):
                raise
        else:
            if event.sha256 in recorded:
                return recorded[event.sha256]
    with transactional(engine).begin() as connection:
        return record_under_lock(connection, event, event.head, lock_seconds)


def _skip_taken_ids(engine: Engine) -> None:
    """Let the ledger's sequence pass the ids that are taken, so that a retry succeeds."""
    try:
        skip_taken_ids(engine)
    except SQLAlchemyError as error:
        # The role may lack the privilege. Then each retry passes one id.
        logger.warning("the sequence of the ledger's ids lags: %s", describe(error))
    else:
        logger.warning("the sequence of the ledger's ids lagged; ids that are taken were skipped")


def record_newest(
    engine: Engine, events: Sequence[Event], *, lock_seconds: float = LOCK_WAIT_SECONDS
) -> dict[bytes, Recorded]:
    """Record the events that are newer than their jobs' others, in one round trip and one commit.

    Return the entries of these events by digest; the other events are not stored. Each event must
    have a head and a job of its own. Raises what `record` raises; nothing is stored then.
    """
    parameters = row_parameters(events, Outcome.APPLIED) | lock_parameter(lock_seconds)
    with engine.connect() as connection:
        keys = [key for event in events for key in event_keys(connection, event)]
        rows = execute_prepared(connection, RECORD_NEWEST, parameters | keys_parameter(keys))
    failed = {sha256 for sha256, *_, has_failed_now in rows if has_failed_now}
    for event in events:
        if event.sha256 in failed:
            _log_failure(event)

    return dict(map(parse_entry, rows))


def _log_failure(event: Event) -> None:
    """Log that a job FAILED, with its id and Twilio's error code, which are both validated."""
    code = (event.head or {}).get("error_code")
    logger.warning("a job FAILED at Twilio", extra={"job": event.job_id, "code": code})
