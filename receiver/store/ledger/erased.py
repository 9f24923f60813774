"""Records events of erased jobs: that they were received, but nothing of what was said."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from receiver.store.erasure.claims import is_on_hold
from receiver.store.erasure.redact import erase_locked_job, redact_body
from receiver.store.erasure.tombstones import (
    Tombstone,
    add_tombstones,
    event_keys,
    find_tombstones,
    job_key,
)
from receiver.store.event import Event, Outcome
from receiver.store.ledger.recorded import ABSORBED, Recorded
from receiver.store.ledger.rows import row_parameters
from receiver.store.ledger.statements import RECORD_EVENT
from receiver.store.tables import transcriptions


def erased_at(
    job: Row[Any], tombstones: Sequence[Tombstone], head: Mapping[str, Any]
) -> datetime | None:
    """Return since when what an event says is erased, None if it isn't.

    An erasure by address or conversation concerns the jobs that began before it.
    """
    began_at = head.get("created_at") or job.sort_at
    matching = [
        each.erased_at for each in tombstones if each.is_certain or began_at < each.erased_at
    ]

    return min(matching, default=None)


def is_erased(connection: Connection, event: Event) -> bool:
    """Return whether recording the event would store nothing of what it says, for a dry run."""
    job = transcriptions.c
    is_erased_job = select(job.id).where(
        job.id == event.job_id, job.account_id == event.account_id, job.erased_at.is_not(None)
    )
    if connection.execute(is_erased_job).first():
        return True
    tombstones = find_tombstones(connection, event_keys(connection, event))
    began_at = (event.head or {}).get("created_at") or event.received_at
    if any(each.is_certain for each in tombstones):
        return True

    return any(began_at < each.erased_at for each in tombstones) and not is_on_hold(
        connection, event
    )


def record_erased(connection: Connection, event: Event, job: Row[Any], since: datetime) -> Recorded:
    """Record that the event was received, without anything personal, and erase its job.

    If the job is erased by its address or conversation, its later events must be recognized by its
    id: an unusable one has neither.
    """
    row = connection.exec_driver_sql(RECORD_EVENT, row_parameters([event], Outcome.ERASED)).one()
    if job.erased_at is None:
        add_tombstones(connection, [job_key(job.id, job.account_id)], since)
    erase_locked_job(connection, job, since, account_id=job.account_id)

    # The ledger still says what a body did that it has received before.
    return ABSORBED._replace(id=row.id)


def absorb(connection: Connection, event: Event) -> Recorded:
    """Store nothing of the event, even if the ledger has it in quarantine."""
    redact_body(connection, event.sha256)

    return ABSORBED
