"""Completeness: how many transcripts Twilio promised, and how many of them are here.

Only a COMPLETED job promises one. It is missing once the grace time since the job's end is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, not_, select

from receiver.store.jobs.gaps import (
    GAP,
    IS_REPLACED,
    ended_at,
)
from receiver.store.polls.unknown import IS_UNKNOWN
from receiver.store.tables import passes, transcriptions

_job = transcriptions.c

# Without a complete pass for so long, what is lost since then goes unnoticed.
MAX_SCAN_AGE = timedelta(days=1)


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
