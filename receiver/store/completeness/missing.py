"""Finds the jobs with a missing transcript, and those that may be submitted again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, not_, or_, select

from receiver.store.jobs.account import of_account
from receiver.store.jobs.gaps import (
    ENDED_AT,
    GAP,
    IS_QUARANTINED,
    IS_REJECTED,
    IS_REPLACED,
    RESUBMISSION_PREFIX,
    add_explanations,
)
from receiver.store.jobs.read import READ_JOB_COLUMNS, Row
from receiver.store.page import EARLIEST, Order, Page, Span, read_page
from receiver.store.submissions.outbox import TRANSIENT_STATUSES
from receiver.store.tables import submissions, transcriptions, watches

_job = transcriptions.c

# A resubmission that Twilio refused temporarily is tried again after this time.
_RETRY_AFTER = timedelta(hours=1)


def missing_jobs(connection: Connection, ended_by: datetime, *, limit: int) -> list[Row]:
    """Return the jobs with a missing transcript, the oldest gap first.

    Each has what `add_explanations` adds. Only jobs that ended at or before the given time
    count.
    """
    statement = (
        select(*READ_JOB_COLUMNS)
        .where(GAP, ended_by >= ENDED_AT, not_(IS_REPLACED))
        .order_by(ENDED_AT, _job.id)
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]

    return add_explanations(connection, rows)


def gaps_page(
    connection: Connection, span: Span, *, ended_by: datetime, account_id: str | None
) -> Page:
    """Return a page of the jobs with a missing transcript, the newest gap first.

    The index of gaps has this order. Rows written before migration 0005 have no `ended_at` until
    the jobs are rebuilt: they are left out.
    """
    statement = select(*READ_JOB_COLUMNS).where(GAP, not_(IS_REPLACED), *of_account(account_id))
    order = Order(
        at=_job.ended_at,
        id=_job.id,
        lower=(EARLIEST, ""),
        upper=(ended_by + timedelta(microseconds=1), ""),
    )

    return read_page(connection, statement, order, span)


def jobs_to_resubmit(
    connection: Connection,
    ended_by: datetime,
    at: datetime,
    *,
    account_id: str | None,
    limit: int,
) -> Sequence[Row]:
    """Return the jobs with a missing transcript that are not polled any more.

    A job is submitted again only once, and the new job is not submitted again: each job costs
    money, and the cause that lost one callback may lose the next one too. A temporary refusal
    doesn't count as a submission; it is tried again after an hour. Jobs with a quarantined or
    rejected callback are not included, because it may contain the transcript. `account_id` limits
    the jobs to one account; None means all accounts.
    """
    watch = select(watches.c.job_id).where(
        watches.c.job_id == _job.id, watches.c.due_at.is_not(None)
    )
    key = submissions.c.idempotency_key
    resubmission = select(key).where(
        key == func.concat(RESUBMISSION_PREFIX, _job.id),
        or_(
            submissions.c.refusal.is_(None),
            submissions.c.refusal["status"].as_integer().not_in(TRANSIENT_STATUSES),
            submissions.c.asked_at > at - _RETRY_AFTER,
        ),
    )
    resubmitted_as_this = select(key).where(
        submissions.c.job_id == _job.id, key.startswith(RESUBMISSION_PREFIX)
    )
    statement = (
        select(*READ_JOB_COLUMNS)
        .where(GAP, ended_by >= ENDED_AT, not_(IS_QUARANTINED), not_(IS_REJECTED))
        .where(_job.configuration_id.is_not(None))
        .where(or_(_job.source_id.is_not(None), _job.media_url.is_not(None)))
        .where(
            not_(watch.exists()), not_(resubmission.exists()), not_(resubmitted_as_this.exists())
        )
        .where(*of_account(account_id))
        .order_by(ENDED_AT, _job.id)
        .limit(limit)
    )

    return [dict(row) for row in connection.execute(statement).mappings()]
