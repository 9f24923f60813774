"""Records events of erased jobs: that they were received, but nothing of what was said."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from receiver.store.erasure.redact import erase_locked_job, redact_body
from receiver.store.erasure.tombstones import Tombstone, add_tombstones, job_key
from receiver.store.event import Event, Outcome
from receiver.store.ledger.recorded import ABSORBED, Recorded
from receiver.store.ledger.rows import row_parameters
from receiver.store.ledger.statements import RECORD_EVENT


def erased_at(
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
    """Store nothing of the event, also if the ledger has it in quarantine."""
    redact_body(connection, event.sha256)

    return ABSORBED
