"""Counts the transcripts that Twilio should send, and how many of them are stored.

Every COMPLETED job should have a transcript. If it isn't stored, that is a gap. When the grace time
after the job's end is over, the transcript counts as missing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Label,
    Row,
    ScalarSelect,
    Text,
    and_,
    cast,
    func,
    not_,
    select,
)

from receiver.store.jobs.account import of_account
from receiver.store.jobs.failures import ERROR_CODE, FAILED, IS_RESUBMITTED
from receiver.store.jobs.gaps import ENDED_AT, GAP, IS_REPLACED
from receiver.store.polls.list_scans import last_complete_scan
from receiver.store.polls.unknown import IS_UNKNOWN
from receiver.store.tables import transcriptions

_job = transcriptions.c

# A lost job is noticed only by a scan of Twilio's list. If the last complete scan is older than
# this, the figures can't be trusted.
MAX_SCAN_AGE = timedelta(days=1)

# Failures and lost callbacks are recent for this time. Some jobs are never submitted again, for
# example those of broken files.
RECENT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """Counts of jobs: `completed` is the sum of the five that follow it."""

    completed: int
    with_transcript: int
    awaiting: int  # their callback may still arrive
    replaced: int  # their recording was submitted again, and that job has the transcript
    missing: int
    erased: int  # their transcript is not stored on purpose
    oldest_missing_at: datetime | None  # when the first job with a missing transcript ended
    failed: int  # FAILED at Twilio
    failed_resubmitted: int  # of these: their recording was submitted again
    failed_recently: int  # of these: ended within RECENT, and not submitted again
    failed_by_code: dict[str, int]  # of these: with an error code of Twilio, by code
    unknown_at_twilio: int  # unfinished, and not polled any more: Twilio doesn't know them
    # Transcripts of jobs that changed within RECENT, from conversations: no callback had them.
    without_callback: int
    # When the last complete scan of Twilio's list began; None if there was none. Jobs that were
    # lost after it are not in these counts.
    since: datetime | None


def completeness(
    connection: Connection, *, at: datetime, grace: timedelta, account_id: str | None = None
) -> Completeness:
    """Return the figures; a gap counts as missing if its job ended `grace` before `at` or earlier.

    `at` is the database's time. `account_id` limits the counts to one account's jobs; None means
    all accounts. One statement, so all figures are of the same moment.
    """
    conditions = of_account(account_id)
    gaps, failed = _gaps(at, grace, conditions), _failed(at, conditions)
    is_completed = _job.status == "COMPLETED"
    columns = [
        *_of_gaps(gaps),
        *_of_failed(failed),
        _count(is_completed, *conditions).label("completed"),
        _count(is_completed, _job.erased_at.is_not(None), *conditions).label("erased"),
        _count(IS_UNKNOWN, *conditions).label("unknown_at_twilio"),
        # By the index of `updated_at`.
        _count(
            _job.transcript_source == "conversation", _job.updated_at > at - RECENT, *conditions
        ).label("without_callback"),
        last_complete_scan(at).scalar_subquery().label("since"),
    ]

    return _completeness(connection.execute(select(*columns).select_from(gaps)).one())


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(*conditions).scalar_subquery()


def _gaps(at: datetime, grace: timedelta, conditions: list[ColumnElement[bool]]) -> CTE:
    is_overdue = at - grace >= ENDED_AT

    return (
        select(
            ENDED_AT.label("ended_at"),
            is_overdue.label("is_overdue"),
            and_(is_overdue, IS_REPLACED).label("replaced"),
        )
        .where(GAP, *conditions)
        .cte("gaps")
        .prefix_with("MATERIALIZED")
    )


def _of_gaps(gaps: CTE) -> list[Label[Any]]:
    """Return the counts of the gaps, for a statement that selects from them."""
    is_missing = and_(gaps.c.is_overdue, not_(gaps.c.replaced))

    return [
        func.count(gaps.c.is_overdue).label("gaps"),
        func.count().filter(not_(gaps.c.is_overdue)).label("awaiting"),
        func.count().filter(gaps.c.replaced).label("replaced"),
        func.count().filter(is_missing).label("missing"),
        func.min(gaps.c.ended_at).filter(is_missing).label("oldest_missing_at"),
    ]


def _failed(at: datetime, conditions: list[ColumnElement[bool]]) -> CTE:
    return (
        select(
            cast(ERROR_CODE, Text).label("code"),
            IS_RESUBMITTED.label("is_resubmitted"),
            (at - RECENT < ENDED_AT).label("is_recent"),
        )
        .where(FAILED, *conditions)
        .cte("failed")
        .prefix_with("MATERIALIZED")
    )


def _of_failed(failed: CTE) -> list[Label[Any]]:
    """Return the counts of the failed jobs, each as a subquery."""
    by_code = (
        select(failed.c.code, func.count().label("jobs"))
        .where(failed.c.code.is_not(None))
        .group_by(failed.c.code)
        .subquery()
    )
    jobs = select(func.count()).select_from(failed)
    is_open = and_(failed.c.is_recent, not_(failed.c.is_resubmitted))
    counts_by_code = select(func.jsonb_object_agg(by_code.c.code, by_code.c.jobs))

    return [
        jobs.scalar_subquery().label("failed"),
        jobs.where(failed.c.is_resubmitted).scalar_subquery().label("failed_resubmitted"),
        jobs.where(is_open).scalar_subquery().label("failed_recently"),
        counts_by_code.scalar_subquery().label("failed_by_code"),
    ]


def _completeness(row: Row[Any]) -> Completeness:
    return Completeness(
        completed=row.completed,
        with_transcript=row.completed - row.gaps - row.erased,
        awaiting=row.awaiting,
        replaced=row.replaced,
        missing=row.missing,
        erased=row.erased,
        oldest_missing_at=row.oldest_missing_at,
        failed=row.failed,
        failed_resubmitted=row.failed_resubmitted,
        failed_recently=row.failed_recently,
        failed_by_code=row.failed_by_code or {},
        unknown_at_twilio=row.unknown_at_twilio,
        without_callback=row.without_callback,
        since=row.since,
    )
