"""Failures: jobs that FAILED at Twilio, their error codes, and whether they were resubmitted."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from receiver.store.jobs.gaps import IS_RESUBMISSION, RESUBMITTED_AS
from receiver.store.tables import events, submissions, transcriptions

_job = transcriptions.c

FAILED: ColumnElement[bool] = _job.status == "FAILED"

# Whether the recording was submitted again, or is about to be.
IS_RESUBMITTED: ColumnElement[bool] = (
    select(submissions.c.idempotency_key)
    .where(IS_RESUBMISSION, submissions.c.refusal.is_(None))
    .exists()
)
# Twilio's error code, from the job's newest event; null if Twilio sent none.
ERROR_CODE: ColumnElement[int | None] = (
    select(events.c.head["error_code"].as_integer())
    .where(events.c.sha256 == _job.key_sha256)
    .scalar_subquery()
)

Failure = Mapping[str, Any]


def failures(connection: Connection, job_ids: Collection[str]) -> dict[str, Failure]:
    """Return those of the jobs that FAILED, by id.

    Each has `code`, Twilio's error code if it is known, and `resubmitted_as`, the id of the job as
    which its recording was submitted again, None if it wasn't.
    """
    statement = select(
        _job.id, ERROR_CODE.label("code"), RESUBMITTED_AS.label("resubmitted_as")
    ).where(FAILED, _job.id.in_(job_ids))

    return {row["id"]: dict(row) for row in connection.execute(statement).mappings()}
