"""Missing transcripts: which jobs they belong to, and which of these may be submitted again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, not_, or_, select

from receiver.store.jobs.gaps import (
    GAP,
    IS_QUARANTINED,
    IS_REJECTED,
    IS_REPLACED,
    RESUBMISSION_PREFIX,
    ended_at,
    explain_gaps,
)
from receiver.store.jobs.read import JOB_COLUMNS, Row
from receiver.store.submissions.outbox import TRANSIENT_STATUSES
from receiver.store.tables import submissions, transcriptions, watches

_job = transcriptions.c

# When what was refused for the moment is submitted again.
_LATER = timedelta(hours=1)


def missing_jobs(connection: Connection, over_by: datetime, *, limit: int) -> list[Row]:
    """Return the jobs whose transcript is missing, the oldest gap first, with explanations."""
    statement = (
        select(*JOB_COLUMNS)
        .where(GAP, ended_at <= over_by, not_(IS_REPLACED))
        .order_by(ended_at, _job.id)
        .limit(limit)
    )

    rows = connection.execute(statement).mappings().all()
    found = explain_gaps(connection, [row["id"] for row in rows])

    return [{**row, **found.get(row["id"], {})} for row in rows]


def jobs_to_resubmit(
    connection: Connection,
    over_by: datetime,
    at: datetime,
    *,
    account_id: str | None,
    limit: int,
) -> Sequence[Row]:
    """Return jobs with a missing transcript of which Twilio isn't to be asked any more.

    None is submitted again twice, nor is the job that comes of it: whatever loses its callback may
    lose that too, and each costs money. What Twilio refused for the moment was no submission, and
    is tried again an hour later. A transcript that is here already, in a callback that was
    quarantined or rejected, isn't paid for.
    """
    watched = select(watches.c.job_id).where(
        watches.c.job_id == _job.id, watches.c.due_at.is_not(None)
    )
    key = submissions.c.idempotency_key
    asked = select(key).where(
        key == func.concat(RESUBMISSION_PREFIX, _job.id),
        or_(
            submissions.c.refusal.is_(None),
            submissions.c.refusal["status"].as_integer().not_in(TRANSIENT_STATUSES),
            submissions.c.asked_at > at - _LATER,
        ),
    )
    born_of_it = select(key).where(
        submissions.c.job_id == _job.id, key.startswith(RESUBMISSION_PREFIX)
    )
    statement = (
        select(*JOB_COLUMNS)
        .where(GAP, ended_at <= over_by, not_(IS_QUARANTINED), not_(IS_REJECTED))
        .where(_job.configuration_id.is_not(None))
        .where(or_(_job.source_id.is_not(None), _job.media_url.is_not(None)))
        .where(not_(watched.exists()), not_(asked.exists()), not_(born_of_it.exists()))
        .order_by(ended_at, _job.id)
        .limit(limit)
    )
    if account_id is not None:
        statement = statement.where(_job.account_id == account_id)

    return [dict(row) for row in connection.execute(statement).mappings()]
