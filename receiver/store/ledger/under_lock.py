"""Records one event with its job locked: events that are late, known, foreign or erased."""

from typing import Any

from sqlalchemy import Connection, Row

from receiver.store.erasure.claims import claim_parameters, is_on_hold
from receiver.store.erasure.tombstones import event_keys, find_tombstones
from receiver.store.event import Event, Outcome
from receiver.store.jobs.refold import lock_job, mark_expired, refold
from receiver.store.ledger.erased import absorb, erased_at, record_erased
from receiver.store.ledger.recorded import Recorded, parse_entry
from receiver.store.ledger.rows import (
    fold_input,
    keys_parameter,
    lock_parameter,
    row_parameters,
)
from receiver.store.ledger.statements import (
    CLAIM_JOB,
    LIMIT_LOCK_WAIT,
    RECORD_EVENT,
    RECORD_QUARANTINED,
    SHOW_WRITER,
)


def record_under_lock(
    connection: Connection, event: Event, head: dict[str, Any], lock_seconds: float
) -> Recorded:
    """Record an event with its job locked before anything is read.

    Each step is a statement of its own, so that it sees what was committed while the step before
    waited for a lock.
    """
    connection.exec_driver_sql(LIMIT_LOCK_WAIT, lock_parameter(lock_seconds))
    connection.exec_driver_sql(SHOW_WRITER)
    tombstones = find_tombstones(connection, event_keys(connection, event))
    is_certain = any(each.is_certain for each in tombstones)
    if tombstones and not is_certain and is_on_hold(connection, event):
        tombstones = []
    job = None
    if not any(each.is_digest for each in tombstones):
        may_insert = not is_certain
        outcome = Outcome.ERASED if tombstones else Outcome.APPLIED
        job = _claim_job(connection, event, outcome, may_insert=may_insert)
    if job is None:
        return absorb(connection, event)
    since = erased_at(job, tombstones, head)
    if job.account_id != event.account_id:
        if since is not None:
            return absorb(connection, event)
        return record_quarantined(connection, quarantine_foreign(event))
    since = job.erased_at or since  # without a tombstone too: it may have expired
    if since is not None:
        return record_erased(connection, event, job, since)
    is_late = fold_input(event, head).key < (
        job.key_terminal,
        job.key_updated_at,
        job.key_source,
        job.key_sha256,
    )
    parameters = row_parameters([event], Outcome.STALE if is_late else Outcome.APPLIED)
    row = connection.exec_driver_sql(RECORD_EVENT, parameters).one()
    refold(connection, job)
    if not row.has_body:  # it was in quarantine when its retention ended
        mark_expired(connection, job.id, event.sha256)

    return parse_entry(tuple(row))[1]


def record_quarantined(connection: Connection, event: Event) -> Recorded:
    """Record an event that isn't applied; store nothing of it if it claims to be of an erased job.

    It locks no job, because it has none.
    """
    parameters = row_parameters([event], Outcome.QUARANTINED)
    parameters |= keys_parameter(event_keys(connection, event))
    parameters |= claim_parameters(connection, event)
    row = connection.exec_driver_sql(RECORD_QUARANTINED, parameters).one_or_none()
    if row is None and parameters["claimed_keys"] and is_on_hold(connection, event):
        parameters["claimed_keys"] = []
        row = connection.exec_driver_sql(RECORD_QUARANTINED, parameters).one_or_none()

    return absorb(connection, event) if row is None else parse_entry(tuple(row))[1]


def quarantine_foreign(event: Event) -> Event:
    """Return the event as quarantined: its job belongs to another account."""
    return event.quarantined(
        "foreign_account", "The job belongs to another account, whose event came first."
    )


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
