"""Unknown jobs: unfinished jobs that Twilio doesn't know, so they are not polled any more."""

from sqlalchemy import ColumnElement, Connection, and_, select

from receiver.store.jobs.read import READ_JOB_COLUMNS, Row
from receiver.store.polls.queue import GiveUpReason
from receiver.store.polls.reasons import IS_UNFINISHED
from receiver.store.tables import transcriptions, watches

_job = transcriptions.c

IS_UNKNOWN: ColumnElement[bool] = and_(
    IS_UNFINISHED,
    _job.id.in_(
        select(watches.c.job_id).where(watches.c.gave_up == GiveUpReason.UNKNOWN_AT_TWILIO.value)
    ),
)


def unknown_jobs(connection: Connection, *, limit: int) -> list[Row]:
    """Return the unknown jobs, oldest first."""
    statement = (
        select(*READ_JOB_COLUMNS).where(IS_UNKNOWN).order_by(_job.sort_at, _job.id).limit(limit)
    )

    return [dict(row) for row in connection.execute(statement).mappings()]
