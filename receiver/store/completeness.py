"""Completeness: how many transcripts Twilio promised, and how many of them are here.

Only a COMPLETED job promises one. It is missing once the grace time since the job's end is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, not_, or_, select

from receiver.store.gaps import (
    GAP,
    IS_QUARANTINED,
    IS_REJECTED,
    IS_REPLACED,
    RESUBMISSION,
    ended_at,
    explanations,
)
from receiver.store.read import JOB, Row
from receiver.store.submissions import OF_THE_MOMENT
from receiver.store.tables import passes, submissions, transcriptions, watches
from receiver.store.unknown import IS_UNKNOWN

_job = transcriptions.c

# Without a complete pass for so long, what is lost since then goes unnoticed.
RECENT = timedelta(days=1)
# When what was refused for the moment is submitted again.
_LATER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """`completed` jobs at Twilio are the sum of the next four figures.

    `awaiting` may still get their callback; the recordings of those `replaced` were submitted
    again, and that job brought the transcript. The unfinished jobs that are
    `unknown_at_twilio` were given up. `since` is when the last complete pass over Twilio's list
    began, None if there was none: of what was lost after it nobody knows yet.
    """

    completed: int
    with_transcript: int
    awaiting: int
    replaced: int
    missing: int
    oldest_missing_at: datetime | None
    unknown_at_twilio: int
    since: datetime | None


def completeness(connection: Connection, over_by: datetime) -> Completeness:
    """Return the figures; a gap whose job was over by the given time is a missing transcript.

    One statement and so one state of the store.
    """
    over = ended_at <= over_by
    gaps = (
        select(
            ended_at.label("ended_at"),
            over.label("over"),
            and_(over, IS_REPLACED).label("replaced"),
        )
        .where(GAP)
        .cte("gaps")
        .prefix_with("MATERIALIZED")
    )
    missing = and_(gaps.c.over, not_(gaps.c.replaced))
    statement = select(
        select(func.count()).where(_job.status == "COMPLETED").scalar_subquery().label("completed"),
        func.count(gaps.c.over).label("gaps"),
        func.count().filter(not_(gaps.c.over)).label("awaiting"),
        func.count().filter(gaps.c.replaced).label("replaced"),
        func.count().filter(missing).label("missing"),
        func.min(gaps.c.ended_at).filter(missing).label("oldest_missing_at"),
        select(func.count()).where(IS_UNKNOWN).scalar_subquery().label("unknown_at_twilio"),
        select(func.max(passes.c.started_at))
        .where(passes.c.completed_at.is_not(None))
        .scalar_subquery()
        .label("since"),
    ).select_from(gaps)
    row = connection.execute(statement).one()

    return Completeness(
        completed=row.completed,
        with_transcript=row.completed - row.gaps,
        awaiting=row.awaiting,
        replaced=row.replaced,
        missing=row.missing,
        oldest_missing_at=row.oldest_missing_at,
        unknown_at_twilio=row.unknown_at_twilio,
        since=row.since,
    )


def missing_jobs(connection: Connection, over_by: datetime, *, limit: int) -> list[Row]:
    """Return the jobs whose transcript is missing, the oldest gap first, with explanations."""
    statement = (
        select(*JOB)
        .where(GAP, ended_at <= over_by, not_(IS_REPLACED))
        .order_by(ended_at, _job.id)
        .limit(limit)
    )

    rows = connection.execute(statement).mappings().all()
    found = explanations(connection, [row["id"] for row in rows])

    return [{**row, **found.get(row["id"], {})} for row in rows]


def to_resubmit(
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
        key == func.concat(RESUBMISSION, _job.id),
        or_(
            submissions.c.refusal.is_(None),
            submissions.c.refusal["status"].as_integer().not_in(OF_THE_MOMENT),
            submissions.c.asked_at > at - _LATER,
        ),
    )
    born_of_it = select(key).where(submissions.c.job_id == _job.id, key.startswith(RESUBMISSION))
    statement = (
        select(*JOB)
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
