"""Reads jobs with the bodies of their transcripts, page by page, each body with its audit row.

The order is that of an index, oldest first, so that every page costs the same. A page has a limit
of bytes too: the server reads only the bodies that are returned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    null,
    or_,
    select,
    tuple_,
)

from receiver.store.audit.access import Access, audit_of
from receiver.store.jobs.gaps import add_explanations
from receiver.store.jobs.read import READ_JOB_COLUMNS, Row
from receiver.store.rows import to_dicts
from receiver.store.tables import events, transcriptions

# One page: what a worker reads and renders between two looks at its client. A body alone may be
# larger.
PAGE_JOBS = 100
PAGE_BYTES = 256 * 1024

_job = transcriptions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRange:
    """The jobs that follow a place, up to a time (excluded), of one account; None means all."""

    after: tuple[datetime, str]  # `sort_at` and id, excluded
    until: datetime
    account_id: str | None


def read_page(connection: Connection, jobs: JobRange, access: Access) -> list[Row]:
    """Return the first jobs of the range, each with `body`, null if it has no stored transcript.

    An empty list means that there are no more. The jobs that lack their transcript have what
    `add_explanations` adds. Erased jobs are among the rows.
    """
    statement = _page_statement(has_account=jobs.account_id is not None)
    values = {**_values(jobs), **access.parameters, "jobs": PAGE_JOBS, "bytes": PAGE_BYTES}
    rows = to_dicts(connection.execute(statement, values))

    return add_explanations(connection, rows)


def count_jobs(connection: Connection, jobs: JobRange) -> int:
    """Return how many jobs the range has; it reads the index only."""
    conditions = _range(has_account=jobs.account_id is not None)
    statement = select(func.count()).select_from(transcriptions).where(*conditions)

    return connection.execute(statement, _values(jobs)).scalar_one()


def _values(jobs: JobRange) -> dict[str, Any]:
    at, job_id = jobs.after

    return {"at": at, "id": job_id, "until": jobs.until, "account_id": jobs.account_id}


def _keys(*, has_account: bool) -> Sequence[ColumnElement[Any]]:
    # With the account first, the order is that of the account's index, and of no other.
    return (*([_job.account_id] if has_account else []), _job.sort_at, _job.id)


def _range(*, has_account: bool) -> list[ColumnElement[bool]]:
    account = [bindparam("account_id", type_=Text)] if has_account else []
    keys = tuple_(*_keys(has_account=has_account))
    after = (bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Text))
    until = bindparam("until", type_=DateTime(timezone=True))

    return [keys > tuple_(*account, *after), keys < tuple_(*account, until, "")]


@cache
def _page_statement(*, has_account: bool) -> Select[Any]:
    page = (
        select(*READ_JOB_COLUMNS)
        .where(*_range(has_account=has_account))
        .order_by(*_keys(has_account=has_account))
        .limit(bindparam("jobs", type_=Integer))
        .cte("page")
    )
    order = (page.c.sort_at, page.c.id)
    bytes_so_far = func.sum(func.coalesce(events.c.body_bytes, 0)).over(order_by=order)
    # The server passes on where a body is stored, and reads it only if it is used below.
    sized = (
        select(
            page,
            events.c.body,
            bytes_so_far.label("bytes_so_far"),
            func.row_number().over(order_by=order).label("number"),
        )
        .join_from(
            page,
            events,
            (events.c.sha256 == page.c.transcript_sha256) & events.c.body.is_not(None),
            isouter=True,
        )
        .cte("sized")
    )
    is_chosen = or_(
        sized.c.bytes_so_far <= bindparam("bytes", type_=BigInteger), sized.c.number == 1
    )
    exported = (
        select(sized.c.id.label("job_id"), cast(null(), BigInteger).label("callback_id"))
        .where(is_chosen, sized.c.body.is_not(None))
        .cte("exported")
    )
    columns = [each for each in sized.c if each.name not in {"bytes_so_far", "number"}]

    return (
        select(*columns)
        .where(is_chosen)
        .order_by(sized.c.sort_at, sized.c.id)
        .add_cte(audit_of(exported))
    )
