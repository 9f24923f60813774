"""Gaps: jobs that are completed at Twilio and have no transcript here, and what may explain it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from receiver.store.event import Outcome
from receiver.store.tables import events, rejected, submissions, transcriptions

_job = transcriptions.c

# A job's recording is submitted again under this and the job's id, and so once at most.
RESUBMISSION_PREFIX = "resubmit-"

GAP: ColumnElement[bool] = and_(_job.status == "COMPLETED", _job.transcript_sha256.is_(None))
# When the job of a gap was over. A row that a release before 0005 wrote doesn't tell, until the
# jobs are rebuilt: what is certain is that it's no gap that may still close, once the grace time
# since we first heard of the job is over.
ended_at: ColumnElement[datetime] = func.coalesce(_job.ended_at, _job.first_seen_at)

_is_resubmission = submissions.c.idempotency_key == func.concat(RESUBMISSION_PREFIX, _job.id)

# Whether the job that its recording was submitted again as brought the transcript. So put it is
# found out once for all jobs, from the few that were submitted again.
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
        # In the collation of the ledger's index, which could not be used otherwise.
        events.c.job_id == _job.id.collate("default"),
        events.c.source == "callback",
        events.c.outcome == Outcome.QUARANTINED,
    )
    .exists()
)
IS_REJECTED = select(rejected.c.id).where(rejected.c.job_id == _job.id.collate("default")).exists()
_RESUBMITTED_AS = select(submissions.c.job_id).where(_is_resubmission).scalar_subquery()


def explain_gaps(connection: Connection, job_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return of each of the jobs what may explain that its transcript is missing.

    `is_quarantined`: a callback named it and could not be used. `is_rejected`: a request that
    doesn't verify claims to be its callback. `resubmitted_as`: the job that its recording was
    submitted again as, None if it wasn't.
    """
    statement = select(
        _job.id,
        IS_QUARANTINED.label("is_quarantined"),
        IS_REJECTED.label("is_rejected"),
        _RESUBMITTED_AS.label("resubmitted_as"),
    ).where(_job.id.in_(job_ids))

    return {row["id"]: dict(row) for row in connection.execute(statement).mappings()}
