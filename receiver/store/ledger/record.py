"""Records events: the ledger's row and the job's row, in one commit."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.store.engine import execute_prepared, transactional
from receiver.store.event import Event, Outcome
from receiver.store.jobs.refold import lock_job, refold
from receiver.store.ledger.rows import fold_input, row_parameters
from receiver.store.ledger.statements import CLAIM_JOB, RECORD_EVENT, RECORD_NEWEST
from receiver.store.retry import DatabaseUnavailableError, retry_until

logger = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """An event's entry in the ledger: its id there, and its outcome."""

    id: int
    outcome: Outcome
    reason: str | None
    detail: str | None


# Makes an event durable: `record` on an engine, or GroupCommitter.record.
Record = Callable[[Event], Recorded]


def record_or_quarantine(record: Record, event: Event, deadline: Deadline) -> Recorded:
    """Return the event's entry when it is durable; retry until the deadline.

    If the database refuses the event's values, the event is quarantined as unstorable. Raises
    DatabaseUnavailableError at the deadline.
    """
    try:
        return retry_until(deadline, record, event)
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        if event.head is None:
            raise
        logger.error("recording failed: %s", locate(error))  # noqa: TRY400 - the text may quote the body
        detail = f"{type(error).__name__} while recording it."
        return retry_until(deadline, record, event.quarantined("unstorable", detail))


def record(engine: Engine, event: Event) -> Recorded:
    """Make the event durable, and fold it into its job.

    Raises sqlalchemy.exc.SQLAlchemyError. Then nothing is stored. After a failed connection this is
    unknown, and a second call is safe.
    """
    if event.head is None:
        with engine.connect() as connection:
            return _record_event(connection, event, Outcome.QUARANTINED)
    if event.deliveries:  # an event that is only validated again is in the ledger already
        try:
            if recorded := record_newest(engine, [event]).get(event.sha256):
                return recorded
        except IntegrityError:
            # It is in the ledger as quarantined; it is promoted below.
            pass
    with transactional(engine).begin() as connection:
        return _record_under_lock(connection, event, event.head)


def record_newest(engine: Engine, events: Sequence[Event]) -> dict[bytes, Recorded]:
    """Record the events that are newer than their jobs' others, in one round trip and one commit.

    Return the entries of these events by digest; the other events are not stored. Each event must
    have a head and a job of its own. Raises sqlalchemy.exc.SQLAlchemyError; nothing is stored then.
    """
    parameters = row_parameters(events, Outcome.APPLIED)
    with engine.connect() as connection:
        return dict(map(_recorded, execute_prepared(connection, RECORD_NEWEST, parameters)))


def _record_under_lock(connection: Connection, event: Event, head: dict[str, Any]) -> Recorded:
    """Record an event with its job locked before anything is read.

    Each step is a statement of its own, so that it sees what was committed while the step before
    waited for a lock.
    """
    job = _claim_job(connection, event, head)
    if job.account_id != event.account_id:
        return _record_event(connection, quarantine_foreign(event), Outcome.QUARANTINED)
    is_late = fold_input(event, head).key < (
        job.key_terminal,
        job.key_updated_at,
        job.key_source,
        job.key_sha256,
    )
    recorded = _record_event(connection, event, Outcome.STALE if is_late else Outcome.APPLIED)
    refold(connection, job)

    return recorded


def _claim_job(connection: Connection, event: Event, head: dict[str, Any]) -> Row[Any]:
    """Lock the job's row; insert it first if it is missing, because only a row can be locked."""
    job = None
    while job is None:  # it may be removed in between
        connection.exec_driver_sql(CLAIM_JOB, row_parameters([event], Outcome.APPLIED))
        job = lock_job(connection, head["id"])

    return job


def _record_event(connection: Connection, event: Event, outcome: Outcome) -> Recorded:
    row = connection.exec_driver_sql(RECORD_EVENT, row_parameters([event], outcome)).one()

    return _recorded(tuple(row))[1]


def _recorded(row: tuple[Any, ...]) -> tuple[bytes, Recorded]:
    sha256, event_id, outcome, reason, detail = row

    return sha256, Recorded(event_id, Outcome(outcome), reason, detail)


def quarantine_foreign(event: Event) -> Event:
    """Return the event as quarantined: its job belongs to another account."""
    return event.quarantined(
        "foreign_account", "The job belongs to another account, whose event came first."
    )
