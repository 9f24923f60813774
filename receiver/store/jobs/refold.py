"""Folds a job again from all its events in the ledger, for events that arrived late or again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    update,
)

from receiver.store.event import Outcome
from receiver.store.jobs.fold import FoldInput, fold
from receiver.store.tables import events, transcriptions

_TIMESTAMPS = ("audio_started_at", "created_at", "updated_at")


def lock_job(connection: Connection, job_id: str) -> Row[Any] | None:
    """Lock the job's row until the transaction ends; return its current values."""
    statement = select(transcriptions).where(transcriptions.c.id == job_id).with_for_update()

    return connection.execute(statement).one_or_none()


def refold(connection: Connection, job: Row[Any]) -> bool:
    """Fold the locked job again from all its events; return whether its row had to change."""
    columns = fold(load_events(connection, job.id))
    if not differs(job, columns):
        return False
    connection.execute(
        update(transcriptions)
        .where(transcriptions.c.id == job.id)
        .values(columns)
        .values(
            transcript_expired_at=expiry_of(literal(columns["transcript_sha256"], LargeBinary)),
            transaction_id=func.pg_current_xact_id(),
        )
    )

    return True


def expiry_of(sha256: ColumnElement[bytes]) -> ColumnElement[datetime]:
    """Return since when the body with the transcript is gone, for an update of its job's row."""
    return case(
        (transcriptions.c.transcript_sha256 == sha256, transcriptions.c.transcript_expired_at),
        else_=gone_since(sha256),
    )


def mark_expired(connection: Connection, job_id: str, sha256: bytes) -> None:
    """Store that the body with this digest is gone, if it has the transcript of the locked job."""
    connection.execute(
        update(transcriptions)
        .where(transcriptions.c.id == job_id, transcriptions.c.transcript_sha256 == sha256)
        .values(transcript_expired_at=func.now())
    )


def gone_since(sha256: ColumnElement[bytes]) -> ColumnElement[datetime]:
    """Return the present time if the event's body is gone, null if it is stored."""
    is_gone = select(func.now()).where(events.c.sha256 == sha256, events.c.body.is_(None))

    return is_gone.scalar_subquery()


def differs(job: Row[Any], columns: Mapping[str, Any]) -> bool:
    """Return whether the job's row differs from its fold."""
    return any(getattr(job, name) != value for name, value in columns.items())


def load_events(connection: Connection, job_id: str) -> list[FoldInput]:
    """Return all events of the job that are in the ledger and have a head."""
    return load_events_of(connection, [job_id])[job_id]


def load_events_of(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[FoldInput]]:
    """Return the events of each job that are in the ledger and have a head.

    Quarantined events have none.
    """
    is_wanted = events.c.job_id == func.any(cast(job_ids, ARRAY(Text)))
    statement = select(
        events.c.job_id, events.c.sha256, events.c.source, events.c.received_at, events.c.head
    ).where(is_wanted, events.c.outcome != Outcome.QUARANTINED, events.c.head.is_not(None))
    loaded: dict[str, list[FoldInput]] = defaultdict(list)
    for row in connection.execute(statement):
        loaded[row.job_id].append(
            FoldInput(row.sha256, row.source, row.received_at, head_from_json(row.head))
        )

    return loaded


def head_from_json(head: dict[str, Any]) -> dict[str, Any]:
    """Return a head from the ledger's JSON, with its timestamps as `datetime` again."""
    return head | {
        name: datetime.fromisoformat(head[name]) for name in _TIMESTAMPS if head.get(name)
    }
