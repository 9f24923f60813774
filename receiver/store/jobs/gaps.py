"""Gaps: completed jobs without a stored transcript, and what may explain them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from receiver.store.event import Outcome
from receiver.store.tables import events, rejected, submissions, transcriptions

_job = transcriptions.c
Row = Mapping[str, Any]  # as receiver.store.jobs.read returns it

# This prefix and the job's id are the Idempotency-Key under which the job's recording is submitted
# again. So that happens at most once.
RESUBMISSION_PREFIX = "resubmit-"

# An erased job lacks its transcript on purpose.
GAP: ColumnElement[bool] = and_(
    _job.status == "COMPLETED", _job.transcript_sha256.is_(None), _job.erased_at.is_(None)
)
# When the job of a gap ended. Rows written before migration 0005 have no `ended_at` until the jobs
# are rebuilt. The time when the job was first seen is used instead: when the grace time after it is
# over, the callback is certainly overdue.
ENDED_AT: ColumnElement[datetime] = func.coalesce(_job.ended_at, _job.first_seen_at)

# Whether a submission is of the job's recording, again.
IS_RESUBMISSION: ColumnElement[bool] = submissions.c.idempotency_key == func.concat(
    RESUBMISSION_PREFIX, _job.id
)

# Whether the recording was submitted again, and the new job has the transcript. The subquery
# doesn't refer to the outer row, so Postgres runs it once, on the few jobs submitted again.
_other = transcriptions.alias("other")
IS_REPLACED: ColumnElement[bool] = _job.id.in_(
    select(func.substr(submissions.c.idempotency_key, len(RESUBMISSION_PREFIX) + 1))
    .join(_other, _other.c.id == submissions.c.job_id)
    .where(
        submissions.c.idempotency_key.startswith(RESUBMISSION_PREFIX),
        _other.c.transcript_sha256.is_not(None),
    )
)

IS_QUARANTINED = (
    select(events.c.id)
    .where(
        # The collation of the ledger's index; with another one Postgres couldn't use it.
        events.c.job_id == _job.id.collate("default"),
        events.c.source == "callback",
        events.c.outcome == Outcome.QUARANTINED,
    )
    .exists()
)
IS_REJECTED = select(rejected.c.id).where(rejected.c.job_id == _job.id.collate("default")).exists()
# The job as which the recording was submitted again; null if it wasn't.
RESUBMITTED_AS = select(submissions.c.job_id).where(IS_RESUBMISSION).scalar_subquery()


def lacks_transcript(row: Row) -> bool:
    """Return whether the row is a gap, as GAP defines it."""
    has_transcript = row["transcript_sha256"] is not None

    return row["status"] == "COMPLETED" and not has_transcript and row["erased_at"] is None


def add_explanations(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """Return the jobs; the gaps among them get what may explain that the transcript is missing.

    `is_quarantined`: a callback that names the job is in quarantine. `is_rejected`: a request that
    claims to be its callback was rejected. `resubmitted_as`: the job as which its recording was
    submitted again, None if it wasn't.
    """
    gaps = [row["id"] for row in rows if lacks_transcript(row)]
    found = _explanations(connection, gaps) if gaps else {}

    return [{**row, **found.get(row["id"], {})} for row in rows]


def _explanations(connection: Connection, job_ids: Collection[str]) -> dict[str, Row]:
    statement = select(
        _job.id,
        IS_QUARANTINED.label("is_quarantined"),
        IS_REJECTED.label("is_rejected"),
        RESUBMITTED_AS.label("resubmitted_as"),
    ).where(_job.id.in_(job_ids))

    return {row["id"]: dict(row) for row in connection.execute(statement).mappings()}
