"""Reads for the API: one indexed query each, and the body only if it is requested.

`account_id` limits a read to one account's jobs; None means all accounts.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    make_url,
    not_,
    select,
)
from sqlalchemy.engine import Compiled

from receiver.store.engine import execute_prepared
from receiver.store.jobs.gaps import ENDED_AT, GAP
from receiver.store.page import EARLIEST, LATEST, Order, Page, Span, read_page
from receiver.store.tables import events, transcriptions

_job = transcriptions.c
_EXCLUDED_COLUMNS = {"transaction_id", "ended_at"}  # `ended_at` is computed below
JOB_COLUMNS = [
    *(
        column
        for column in _job
        if column.name not in _EXCLUDED_COLUMNS and not column.name.startswith("key_")
    ),
    case((GAP, ENDED_AT), else_=_job.ended_at).label("ended_at"),
]
_CALLBACK = [
    events.c[name]
    for name in ("id", "received_at", "outcome", "reason", "deliveries", "sha256", "body_bytes")
]

Row = Mapping[str, Any]

# Compiled once: compiling takes longer than the query, and clients poll these.
_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
_JOB_COLUMN_NAMES = [column.name for column in JOB_COLUMNS]
_TRANSCRIPTION = (
    select(*JOB_COLUMNS).where(_job.id == bindparam("job_id")).compile(dialect=_DIALECT)
)
_TRANSCRIPTION_OF_ACCOUNT = (
    select(*JOB_COLUMNS)
    .where(_job.id == bindparam("job_id"), _job.account_id == bindparam("account_id"))
    .compile(dialect=_DIALECT)
)
_TRANSCRIPT_BODY = (
    select(events.c.body).where(events.c.sha256 == bindparam("sha256")).compile(dialect=_DIALECT)
)
_HAS_TRANSCRIPT_BODY = (
    select(events.c.body.is_not(None))
    .where(events.c.sha256 == bindparam("sha256"))
    .compile(dialect=_DIALECT)
)


def transcriptions_page(
    connection: Connection, filters: Mapping[str, Any], span: Span, *, account_id: str | None
) -> Page:
    """Return a page of the jobs that pass all filters.

    The filters are `created_after` (inclusive), `created_before` (exclusive), and those of
    `_condition`.
    """
    after, before = filters.get("created_after"), filters.get("created_before")
    others = {name: filters[name] for name in filters if not name.startswith("created_")}
    if account_id is not None:
        others["account_id"] = account_id
    order = Order(
        at=_job.sort_at,
        id=_job.id,
        lower=(after or EARLIEST, ""),
        upper=(before or LATEST, ""),
    )
    statement = select(*JOB_COLUMNS)
    # A single filter has an index of its own. With a plain condition, Postgres uses the index of
    # all jobs if half of the jobs match. If these are the older half, it reads all newer jobs
    # first. With the column first in the order, it uses the filter's index.
    if len(others) == 1 and "has_transcript" not in others:
        [(name, value)] = others.items()
        order = replace(order, head=_job[name], value=value)
        # Postgres needs this condition to recognize that a partial index is sufficient.
        statement = statement.where(_job[name].is_not(None))
    else:
        statement = statement.where(*(_condition(name, others[name]) for name in others))

    return read_page(connection, statement, order, span)


def is_one_range(filters: Mapping[str, Any]) -> bool:
    """Return whether the page is one range of an index, whatever the data are.

    All other pages are read by one filter's index, and may skip any number of rows that the other
    filters exclude.
    """
    others = [name for name in filters if not name.startswith("created_")]

    return not others or (len(others) == 1 and filters.get("has_transcript") is not True)


def transcription(
    connection: Connection, job_id: str, *, account_id: str | None = None
) -> Row | None:
    """Return the job, None if it is unknown."""
    if account_id is None:
        row = _first_row(connection, _TRANSCRIPTION, job_id=job_id)
    else:
        row = _first_row(
            connection, _TRANSCRIPTION_OF_ACCOUNT, job_id=job_id, account_id=account_id
        )

    return None if row is None else dict(zip(_JOB_COLUMN_NAMES, row, strict=True))


def is_alone_in_conversation(connection: Connection, job: Row) -> bool:
    """Return whether no other known job is stored in the job's conversation."""
    others = select(_job.id).where(
        _job.conversation_id == job["conversation_id"], _job.id != job["id"]
    )

    return connection.execute(others.limit(1)).scalar() is None


def transcript_body(connection: Connection, sha256: bytes) -> bytes | None:
    """Return the body that contains a transcript, None if it was erased."""
    row = _first_row(connection, _TRANSCRIPT_BODY, sha256=sha256)

    return None if row is None else row[0]


def has_transcript_body(connection: Connection, sha256: bytes) -> bool:
    """Return whether the body that contains a transcript is still stored."""
    row = _first_row(connection, _HAS_TRANSCRIPT_BODY, sha256=sha256)

    return row is not None and bool(row[0])


def callbacks_page(
    connection: Connection, job_id: str, span: Span, *, account_id: str | None
) -> Page:
    """Return a page of the callbacks that name the job, with any outcome."""
    statement = select(*_CALLBACK).where(_is_callback_of(job_id, account_id))
    order = Order(at=events.c.received_at, id=events.c.id, lower=(EARLIEST, 0), upper=(LATEST, 0))

    return read_page(connection, statement, order, span)


def callback_body(
    connection: Connection, job_id: str, callback_id: int, *, account_id: str | None
) -> bytes | None:
    """Return the exact bytes of a job's callback; None if it is unknown, or its body was erased."""
    statement = select(events.c.body).where(
        _is_callback_of(job_id, account_id), events.c.id == callback_id
    )

    return connection.execute(statement).scalar()


def _first_row(connection: Connection, statement: Compiled, **values: Any) -> TupleRow | None:
    rows = execute_prepared(connection, str(statement), statement.construct_params(values) or {})

    return rows[0] if rows else None


def _is_callback_of(job_id: str, account_id: str | None) -> ColumnElement[bool]:
    is_callback = and_(events.c.job_id == job_id, events.c.source == "callback")
    if account_id is None:
        return is_callback
    is_anothers_job = select(_job.id).where(_job.id == job_id, _job.account_id != account_id)

    # A quarantined event has the account that its body claims. The key of an account mismatch is
    # another account's, so the body may be too.
    return and_(
        is_callback,
        events.c.account_id == account_id,
        events.c.reason.is_distinct_from("account_mismatch"),
        not_(is_anothers_job.exists()),
    )


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool]
    match name:
        case "has_transcript" if value:
            condition = _job.transcript_sha256.is_not(None)
        case "has_transcript":
            condition = _job.transcript_sha256.is_(None)
        case _:
            condition = _job[name] == value

    return condition
