"""Records events: the ledger's row and the job's row, in one commit."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import describe, locate
from receiver.store.engine import execute_prepared, fresh_connections, transactional
from receiver.store.erasure.claims import claim_parameters, is_on_hold
from receiver.store.erasure.redact import erase_locked_job, redact_body
from receiver.store.erasure.tombstones import (
    Tombstone,
    add_tombstones,
    event_keys,
    find_tombstones,
    job_key,
)
from receiver.store.event import Event, Outcome
from receiver.store.identity import skip_taken_ids
from receiver.store.jobs.refold import lock_job, mark_expired, refold
from receiver.store.ledger.rows import fold_input, lock_parameter, row_parameters
from receiver.store.ledger.statements import (
    CLAIM_JOB,
    LIMIT_LOCK_WAIT,
    RECORD_EVENT,
    RECORD_NEWEST,
    RECORD_QUARANTINED,
    SHOW_WRITER,
)
from receiver.store.retry import LockedError, retry_until
from receiver.store.sqlstate import Cause, cause_of, is_unique_violation

logger = logging.getLogger(__name__)

# How long a write waits for a lock. Usually another worker holds it, until its commit.
LOCK_WAIT_SECONDS = 0.25
# The same for a write that must not delay others, while a lock is known to be held for longer.
SHORT_LOCK_WAIT_SECONDS = 0.01


class Recorded(NamedTuple):
    """An event's entry in the ledger: its id there, and its outcome.

    `id` is None for an event that was erased before and has no entry any more.
    """

    id: int | None
    outcome: Outcome
    reason: str | None
    detail: str | None


_ABSORBED = Recorded(None, Outcome.ERASED, None, None)

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
            return _record_quarantined(connection, event)
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
        return _record_under_lock(connection, event, event.head, lock_seconds)


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
        rows = execute_prepared(connection, RECORD_NEWEST, parameters | {"keys": keys})
    failed = {sha256 for sha256, *_, has_failed_now in rows if has_failed_now}
    for event in events:
        if event.sha256 in failed:
            _log_failure(event)

    return dict(_recorded(row[:-1]) for row in rows)


def _log_failure(event: Event) -> None:
    """Log that a job FAILED, with its id and Twilio's error code, which are both validated."""
    code = (event.head or {}).get("error_code")
    logger.warning("a job FAILED at Twilio", extra={"job": event.job_id, "code": code})


def _record_under_lock(
    connection: Connection, event: Event, head: dict[str, Any], lock_seconds: float
) -> Recorded:
    """Record an event with its job locked before anything is read.

    Each step is a statement of its own, so that it sees what was committed while the step before
    waited for a lock.
    """
    connection.exec_driver_sql(LIMIT_LOCK_WAIT, lock_parameter(lock_seconds))
    connection.exec_driver_sql(SHOW_WRITER)
    stones = find_tombstones(connection, event_keys(connection, event))
    if stones and not any(stone.is_certain for stone in stones) and is_on_hold(connection, event):
        stones = []
    job = None
    if not any(stone.is_digest for stone in stones):
        may_insert = not any(stone.is_certain for stone in stones)
        outcome = Outcome.ERASED if stones else Outcome.APPLIED
        job = _claim_job(connection, event, outcome, may_insert=may_insert)
    if job is None:
        return _absorb(connection, event)
    erased_at = _erased_at(job, stones, head)
    if job.account_id != event.account_id:
        if erased_at is not None:
            return _absorb(connection, event)
        return _record_quarantined(connection, quarantine_foreign(event))
    # Without a tombstone too: it may have expired.
    erased_at = job.erased_at or erased_at
    if erased_at is not None:
        return _record_erased(connection, event, job, erased_at)
    is_late = fold_input(event, head).key < (
        job.key_terminal,
        job.key_updated_at,
        job.key_source,
        job.key_sha256,
    )
    row = _record_event(connection, event, Outcome.STALE if is_late else Outcome.APPLIED)
    refold(connection, job)
    has_body = row[-1]
    if not has_body:  # it was in quarantine when its retention ended
        mark_expired(connection, job.id, event.sha256)

    return _recorded(row[:-1])[1]


def _claim_job(
    connection: Connection, event: Event, outcome: Outcome, *, may_insert: bool
) -> Row[Any] | None:
    """Lock the job's row; insert it first if it is missing, because only a row can be locked.

    Return None if it is missing and may not be inserted.
    """
    job_id = str(event.job_id)
    if not may_insert:
        return lock_job(connection, job_id)
    parameters = row_parameters([event], outcome)
    job = None
    while job is None:  # it may be removed in between
        connection.exec_driver_sql(CLAIM_JOB, parameters)
        job = lock_job(connection, job_id)

    return job


def _erased_at(
    job: Row[Any], stones: Sequence[Tombstone], head: Mapping[str, Any]
) -> datetime | None:
    """Return since when what an event says is erased, None if it isn't.

    An erasure by address or conversation concerns the jobs that began before it.
    """
    began_at = head.get("created_at") or job.sort_at
    matching = [
        stone.erased_at for stone in stones if stone.is_certain or began_at < stone.erased_at
    ]

    return min(matching, default=None)


def _record_erased(
    connection: Connection, event: Event, job: Row[Any], erased_at: datetime
) -> Recorded:
    """Record that the event was received, without anything personal, and erase its job.

    If the job is erased by its address or conversation, its later events must be recognized by its
    id: an unusable one has neither.
    """
    row = _record_event(connection, event, Outcome.ERASED)
    if job.erased_at is None:
        add_tombstones(connection, [job_key(job.id, job.account_id)], erased_at)
    erase_locked_job(connection, job, erased_at, account_id=job.account_id)

    # The ledger still says what a body did that it has received before.
    return _ABSORBED._replace(id=_recorded(row[:-1])[1].id)


def _record_quarantined(connection: Connection, event: Event) -> Recorded:
    parameters = row_parameters([event], Outcome.QUARANTINED)
    parameters |= {"keys": event_keys(connection, event)} | claim_parameters(connection, event)
    row = connection.exec_driver_sql(RECORD_QUARANTINED, parameters).one_or_none()
    if row is None and parameters["claimed_keys"] and is_on_hold(connection, event):
        parameters["claimed_keys"] = []
        row = connection.exec_driver_sql(RECORD_QUARANTINED, parameters).one_or_none()

    return _absorb(connection, event) if row is None else _recorded(tuple(row)[:-1])[1]


def _absorb(connection: Connection, event: Event) -> Recorded:
    """Store nothing of the event, also if the ledger has it in quarantine."""
    redact_body(connection, event.sha256)

    return _ABSORBED


def _record_event(connection: Connection, event: Event, outcome: Outcome) -> tuple[Any, ...]:
    row = connection.exec_driver_sql(RECORD_EVENT, row_parameters([event], outcome)).one()

    return tuple(row)


def _recorded(row: tuple[Any, ...]) -> tuple[bytes, Recorded]:
    sha256, event_id, outcome, reason, detail = row

    return sha256, Recorded(event_id, Outcome(outcome), reason, detail)


def quarantine_foreign(event: Event) -> Event:
    """Return the event as quarantined: its job belongs to another account."""
    return event.quarantined(
        "foreign_account", "The job belongs to another account, whose event came first."
    )
