"""Reads for the API: one indexed query each. Bodies are read in receiver.store.audit.texts only.

`account_id` limits a read to one account's jobs; None means all accounts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from receiver.store.compiled import CompiledOnce
from receiver.store.jobs.fold import ERASURE
from receiver.store.jobs.gaps import ENDED_AT, GAP
from receiver.store.page import EARLIEST, LATEST, Order, Page, Span, read_page
from receiver.store.tables import ADDRESSES, events, transcriptions

_job = transcriptions.c
_EXCLUDED_COLUMNS = {"transaction_id", "ended_at"}  # `ended_at` is computed below
READ_JOB_COLUMNS = [
    *(
        column
        for column in _job
        if column.name not in _EXCLUDED_COLUMNS and not column.name.startswith("key_")
    ),
    case((GAP, ENDED_AT), else_=_job.ended_at).label("ended_at"),
]
# Why an event's body isn't stored any more, null if it is. An erasure has no body.
BODY_REMOVED = case(
    (events.c.body.is_not(None), None),
    (events.c.source == ERASURE, None),
    (events.c.erased_at.is_not(None), "erased"),
    else_="expired",
).label("body_removed")
_CALLBACK = [
    *(
        events.c[name]
        for name in (
            *("id", "received_at", "outcome", "reason", "deliveries"),
            *("sha256", "body_bytes"),
        )
    ),
    BODY_REMOVED,
]

_EVENT = [
    *_CALLBACK,
    *(events.c[name] for name in ("source", "detail", "last_received_at")),
]

_ADDRESS_FILTER = "participant_address"
_ADDRESSES = [literal_column(address, Text) for address in ADDRESSES]
# No index that begins with the columns of these filters has the order of a page.
_UNORDERED = {"has_transcript", "updated_after", "received_after"}
_MAX_SORTED_JOBS = 20_000

Row = Mapping[str, Any]

# Clients poll these.
_JOB_COLUMN_NAMES = [column.name for column in READ_JOB_COLUMNS]
_TRANSCRIPTION = CompiledOnce(select(*READ_JOB_COLUMNS).where(_job.id == bindparam("job_id")))
_TRANSCRIPTION_OF_ACCOUNT = CompiledOnce(
    select(*READ_JOB_COLUMNS).where(
        _job.id == bindparam("job_id"), _job.account_id == bindparam("account_id")
    )
)


def is_callback_of(
    job_id: ColumnElement[str], account_id: ColumnElement[str | None]
) -> ColumnElement[bool]:
    """Return the SQL condition that selects the job's callbacks which an account may see."""
    return and_(
        events.c.job_id == job_id,
        events.c.source == "callback",
        is_visible(job_id, account_id),
    )


def is_visible(
    job_id: ColumnElement[Any], account_id: ColumnElement[str | None]
) -> ColumnElement[bool]:
    """Return the SQL condition that an account may see an event, which names this job."""
    # A scalar subquery, not EXISTS: Postgres might join all jobs of other accounts to a list.
    owner = select(_job.account_id).where(_job.id == job_id).scalar_subquery()

    # A quarantined event has the account that its body claims. The key of an account mismatch is
    # another account's, so the body may be too.
    return or_(
        account_id.is_(None),
        and_(
            events.c.account_id == account_id,
            events.c.reason.is_distinct_from("account_mismatch"),
            func.coalesce(owner, account_id) == account_id,
        ),
    )


_CALLBACK_DIGEST = CompiledOnce(
    select(events.c.sha256).where(
        is_callback_of(bindparam("job_id"), bindparam("account_id", type_=Text)),
        events.c.id == bindparam("callback_id"),
        events.c.body.is_not(None),
    )
)


def transcriptions_page(
    connection: Connection, filters: Mapping[str, Any], span: Span, *, account_id: str | None
) -> Page:
    """Return a page of the jobs that pass all filters.

    The filters are `created_after` (inclusive), `created_before` (exclusive),
    `participant_address`, and those of `_condition`.
    """
    after, before = filters.get("created_after"), filters.get("created_before")
    others = _other_filters(filters, account_id)
    order = Order(
        at=_job.sort_at,
        id=_job.id,
        lower=(after or EARLIEST, ""),
        upper=(before or LATEST, ""),
    )
    # A single filter has an index of its own. With a plain condition, Postgres uses the index of
    # all jobs if half of the jobs match. If these are the older half, it reads all newer jobs
    # first. With the column first in the order, it uses the filter's index.
    if name := _leading_filter(others):
        heads = _ADDRESSES if name == _ADDRESS_FILTER else (_job[name],)
        order = replace(order, heads=heads, value=others.pop(name))
    elif _selects_few(connection, others):
        order = replace(order, is_indexed=False)
    conditions = (_condition(name, value) for name, value in others.items())

    return read_page(connection, select(*READ_JOB_COLUMNS).where(*conditions), order, span)


def is_one_range(filters: Mapping[str, Any], *, account_id: str | None) -> bool:
    """Return whether the page is one range of an index, whatever the data are.

    The jobs with a participant's address are two ranges. All other pages are read by one filter's
    index, and may skip any number of rows that the other filters exclude.
    """
    others = _other_filters(filters, account_id)
    if name := _leading_filter(others):
        others.pop(name)

    return not others or others == {"has_transcript": False}


def _other_filters(filters: Mapping[str, Any], account_id: str | None) -> dict[str, Any]:
    """Return the filters that aren't limits of the order, the account's among them."""
    others = {name: filters[name] for name in filters if not name.startswith("created_")}

    return others if account_id is None else {**others, "account_id": account_id}


def _selects_few(connection: Connection, filters: Mapping[str, Any]) -> bool:
    """Return whether a filter by a time selects so few jobs that they can be sorted for each page.

    Without this, Postgres may expect that these jobs are spread evenly, and read the index of all
    jobs. But most of them are the newest jobs, so it would read all older jobs for the last page.
    """
    for name in filters.keys() & {"updated_after", "received_after"}:
        some = select(literal(1)).where(_condition(name, filters[name])).limit(_MAX_SORTED_JOBS + 1)
        count = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
        if count <= _MAX_SORTED_JOBS:
            return True

    return False


def _leading_filter(filters: Mapping[str, Any]) -> str | None:
    """Return the filter whose column comes first in the order; None if there is none."""
    if _ADDRESS_FILTER in filters:  # without the order, two indexes can't give a page
        return _ADDRESS_FILTER
    if len(filters) != 1:
        return None
    [name] = filters

    return None if name in _UNORDERED else name


def transcription(
    connection: Connection, job_id: str, *, account_id: str | None = None
) -> Row | None:
    """Return the job, None if it is unknown."""
    if account_id is None:
        row = _TRANSCRIPTION.first_row(connection, job_id=job_id)
    else:
        row = _TRANSCRIPTION_OF_ACCOUNT.first_row(connection, job_id=job_id, account_id=account_id)

    return None if row is None else dict(zip(_JOB_COLUMN_NAMES, row, strict=True))


def is_alone_in_conversation(connection: Connection, job: Row) -> bool:
    """Return whether no other known job is stored in the job's conversation."""
    others = select(_job.id).where(
        _job.conversation_id == job["conversation_id"], _job.id != job["id"]
    )

    return connection.execute(others.limit(1)).scalar() is None


def callbacks_page(
    connection: Connection, job_id: str, span: Span, *, account_id: str | None
) -> Page:
    """Return a page of the callbacks that name the job, with any outcome."""
    is_callback = is_callback_of(literal(job_id), literal(account_id, Text))
    statement = select(*_CALLBACK).where(is_callback)
    order = Order(at=events.c.received_at, id=events.c.id, lower=(EARLIEST, 0), upper=(LATEST, 0))

    return read_page(connection, statement, order, span)


def newest_events(
    connection: Connection, job_id: str, *, account_id: str | None, limit: int
) -> Sequence[Row]:
    """Return the newest events that name the job, of any source and with any outcome."""
    statement = (
        select(*_EVENT)
        .where(events.c.job_id == job_id, is_visible(literal(job_id), literal(account_id, Text)))
        .order_by(events.c.received_at.desc(), events.c.id.desc())
        .limit(limit)
    )

    return [dict(row) for row in connection.execute(statement).mappings()]


def callback_digest(
    connection: Connection, job_id: str, callback_id: int, *, account_id: str | None
) -> bytes | None:
    """Return the digest of a job's callback; None if it is unknown, or its body was erased."""
    values = {"job_id": job_id, "callback_id": callback_id, "account_id": account_id}
    row = _CALLBACK_DIGEST.first_row(connection, **values)

    return None if row is None else row[0]


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool]
    match name:
        case "has_transcript" if value:
            condition = and_(
                _job.transcript_sha256.is_not(None), _job.transcript_expired_at.is_(None)
            )
        case "has_transcript":
            condition = or_(
                _job.transcript_sha256.is_(None), _job.transcript_expired_at.is_not(None)
            )
        case "updated_after" | "received_after":
            condition = _job[f"{name.removesuffix('_after')}_at"] >= value
        case _:
            condition = _job[name] == value

    return condition
