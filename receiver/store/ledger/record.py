"""Recording an event: the ledger row and the job row, in one commit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from receiver.store.engine import run, transactional
from receiver.store.event import Event, Outcome
from receiver.store.jobs.fold import FoldInput, fold
from receiver.store.jobs.refold import lock_job, refold
from receiver.store.jsonb import jsonb
from receiver.store.ledger.statements import CLAIM_JOB, RECORD_EVENT, RECORD_NEWEST


class Recorded(NamedTuple):
    """What the ledger says of the event: its number there, and what became of it."""

    id: int
    outcome: Outcome
    reason: str | None
    detail: str | None


def record(engine: Engine, event: Event) -> Recorded:
    """Make the event durable, with what follows from it for its job.

    The job's row is, after any sequence of events in any order, the fold of all of them. Raises
    sqlalchemy.exc.SQLAlchemyError, after which nothing is stored, unless it was the connection
    that failed: then a repeated call finds out.
    """
    if event.head is None:
        with engine.connect() as connection:
            return _record_event(connection, event, Outcome.QUARANTINED)
    if event.deliveries:  # what is only judged anew is in the ledger, where this would fail
        try:
            if recorded := record_newest(engine, [event]).get(event.sha256):
                return recorded
        except IntegrityError:
            # It is in the ledger already, as quarantined: what follows promotes it.
            pass
    with transactional(engine).begin() as connection:
        return _record_under_lock(connection, event, event.head)


def record_newest(engine: Engine, events: Sequence[Event]) -> dict[bytes, Recorded]:
    """Record, in one round trip and one commit, each event that exceeds all its job has seen.

    Returns what the ledger says of those, by their digests; nothing is stored of the others. Each
    event has a head and a job of its own. Raises sqlalchemy.exc.SQLAlchemyError, after which
    nothing is stored of any.
    """
    told = parameters(events, Outcome.APPLIED)
    with engine.connect() as connection:
        return dict(map(_recorded, run(connection, RECORD_NEWEST, told)))


def _record_under_lock(connection: Connection, event: Event, head: dict[str, Any]) -> Recorded:
    """Record an event whatever the ledger holds, with its job locked before anything is read.

    Each step is a statement of its own, and so sees what was committed while the one before it
    waited.
    """
    job = _claim_job(connection, event, head)
    if job.account_id != event.account_id:
        return _record_event(connection, foreign(event), Outcome.QUARANTINED)
    late = _fold_input(event, head).key < (
        job.key_terminal,
        job.key_updated_at,
        job.key_source,
        job.key_sha256,
    )
    recorded = _record_event(connection, event, Outcome.STALE if late else Outcome.APPLIED)
    refold(connection, job)

    return recorded


def _claim_job(connection: Connection, event: Event, head: dict[str, Any]) -> Row[Any]:
    """Lock the job's row, inserting it first where it is missing: only a row can be locked."""
    job = None
    while job is None:  # as long as somebody removes it in between
        connection.exec_driver_sql(CLAIM_JOB, parameters([event], Outcome.APPLIED))
        job = lock_job(connection, head["id"])

    return job


def _record_event(connection: Connection, event: Event, outcome: Outcome) -> Recorded:
    row = connection.exec_driver_sql(RECORD_EVENT, parameters([event], outcome)).one()

    return _recorded(tuple(row))[1]


def _recorded(row: tuple[Any, ...]) -> tuple[bytes, Recorded]:
    sha256, number, outcome, reason, detail = row

    return sha256, Recorded(number, Outcome(outcome), reason, detail)


def foreign(event: Event) -> Event:
    """Return the event as quarantined, for its job is known to be another account's."""
    return replace(
        event,
        head=None,
        reason="foreign_account",
        detail="The job belongs to another account, which told of it first.",
    )


def _fold_input(event: Event, head: dict[str, Any]) -> FoldInput:
    return FoldInput(event.sha256, event.source, event.received_at, head)


def parameters(events: Sequence[Event], outcome: Outcome) -> dict[str, Any]:
    """Return the rows of the events, and of jobs of which nothing but these events is known.

    These are what receiver.store.ledger.statements takes; each event has a job of its own.
    """
    return {
        "jobs": jsonb([fold([_fold_input(event, event.head)]) for event in events if event.head]),
        "events": jsonb([_row(event, outcome) for event in events]),
        "bodies": [event.body for event in events],
    }


def _row(event: Event, outcome: Outcome) -> dict[str, Any]:
    """Return the event's row in the ledger, but for its body."""
    return {
        "sha256": event.sha256,
        "source": event.source,
        "job_id": event.job_id,
        "account_id": event.account_id,
        "head": event.head,
        "body_bytes": len(event.body),
        "content_type": event.content_type,
        "idempotency_token": event.idempotency_token,
        "key_id": event.key_id,
        "url": event.url,
        "signature": event.signature,
        "signature_settings": event.signature_settings,
        "received_at": event.received_at,
        "last_received_at": event.received_at,
        "deliveries": event.deliveries,
        "outcome": outcome,
        "reason": event.reason,
        "detail": event.detail,
    }
