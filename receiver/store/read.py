"""The reads: one indexed query each, pages by keyset, and no body unless it is what was asked for.

A page is found by its neighbour's place in the order, never by counting: it costs the same
however deep it lies, and rows that come in meanwhile shift nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    make_url,
    select,
    tuple_,
)
from sqlalchemy.engine import Compiled

from receiver.store.engine import run
from receiver.store.gaps import GAP, ended_at
from receiver.store.tables import events, transcriptions

_job = transcriptions.c
_OTHERWISE = {"transaction_id", "ended_at"}
JOB = [
    *(
        column
        for column in _job
        if column.name not in _OTHERWISE and not column.name.startswith("key_")
    ),
    case((GAP, ended_at), else_=_job.ended_at).label("ended_at"),
]
_CALLBACK = [
    events.c[name]
    for name in ("id", "received_at", "outcome", "reason", "deliveries", "sha256", "body_bytes")
]

Row = Mapping[str, Any]
Place = tuple[datetime, Any]  # the time and the id

# No row is beyond.
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)

# Compiled once: that takes longer than asking the database, and every poll would.
_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
_NAMES = [column.name for column in JOB]
_TRANSCRIPTION = select(*JOB).where(_job.id == bindparam("job_id")).compile(dialect=_DIALECT)
_TRANSCRIPT_BODY = (
    select(events.c.body).where(events.c.sha256 == bindparam("sha256")).compile(dialect=_DIALECT)
)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A page's edge: the page lies beyond the row at this place, towards older or newer rows."""

    at: datetime
    id: str | int
    backward: bool  # towards the newer rows


@dataclass(frozen=True, kw_only=True)
class Span:
    """How many rows to read, and from where; without a cursor from the newest on."""

    size: int
    cursor: Cursor | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows, newest first, and where the pages around them begin; None: there is none."""

    rows: Sequence[Row]
    previous: Cursor | None = None
    next: Cursor | None = None


@dataclass(frozen=True, kw_only=True)
class _Order:
    """An index's order, and the places, both excluded, between which a list's rows are."""

    at: ColumnElement[datetime]
    id: ColumnElement[Any]
    lower: Place
    upper: Place
    # The column that comes before these, and the one value of it that all rows have.
    head: ColumnElement[Any] | None = None
    value: Any = None


def transcriptions_page(connection: Connection, filters: Mapping[str, Any], span: Span) -> Page:
    """Return a page of the jobs that pass all filters, which are named as in `_condition`.

    Or as in `created_after`, which is inclusive, and `created_before`, which isn't.
    """
    after, before = filters.get("created_after"), filters.get("created_before")
    others = {name: filters[name] for name in filters if not name.startswith("created_")}
    order = _Order(
        at=_job.sort_at,
        id=_job.id,
        lower=(after or _EARLIEST, ""),
        upper=(before or _LATEST, ""),
    )
    statement = select(*JOB)
    # A filter that stands alone has an index of its own. As a condition it would leave the choice:
    # where half of the jobs match, Postgres takes the index of all, and if these are the older ones
    # it reads all that are newer first. As the head of the order it doesn't.
    if len(others) == 1 and "has_transcript" not in others:
        [(name, value)] = others.items()
        order = replace(order, head=_job[name], value=value)
        # Without it Postgres doesn't see that a partial index will do.
        statement = statement.where(_job[name].is_not(None))
    else:
        statement = statement.where(*(_condition(name, others[name]) for name in others))

    return _page(connection, statement, order, span)


def transcription(connection: Connection, job_id: str) -> Row | None:
    """Return the job, None if nothing is known of it."""
    found = _first(connection, _TRANSCRIPTION, job_id=job_id)

    return None if found is None else dict(zip(_NAMES, found, strict=True))


def transcript_body(connection: Connection, sha256: bytes) -> bytes | None:
    """Return the body that holds a transcript, None once it has been erased."""
    found = _first(connection, _TRANSCRIPT_BODY, sha256=sha256)

    return None if found is None else found[0]


def callbacks_page(connection: Connection, job_id: str, span: Span) -> Page:
    """Return a page of the callbacks that name the job, whatever became of them."""
    statement = select(*_CALLBACK).where(_is_callback_of(job_id))
    order = _Order(
        at=events.c.received_at, id=events.c.id, lower=(_EARLIEST, 0), upper=(_LATEST, 0)
    )

    return _page(connection, statement, order, span)


def callback_body(connection: Connection, job_id: str, callback_id: int) -> bytes | None:
    """Return the exact bytes of a callback of the job, None if there are none."""
    statement = select(events.c.body).where(_is_callback_of(job_id), events.c.id == callback_id)

    return connection.execute(statement).scalar()


def _first(connection: Connection, statement: Compiled, **values: Any) -> TupleRow | None:
    rows = run(connection, str(statement), statement.construct_params(values) or {})

    return rows[0] if rows else None


def _is_callback_of(job_id: str) -> ColumnElement[bool]:
    return and_(events.c.job_id == job_id, events.c.source == "callback")


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


def _page(connection: Connection, statement: Select[Any], order: _Order, span: Span) -> Page:
    """Read one row more than asked for: it tells whether the list goes on."""
    cursor = span.cursor
    backward = cursor is not None and cursor.backward
    lower, upper = order.lower, order.upper
    if cursor:
        edge = (cursor.at, cursor.id)
        lower, upper = (max(lower, edge), upper) if backward else (lower, min(upper, edge))
    head, value = ((), ()) if order.head is None else ((order.head,), (order.value,))
    columns = (*head, order.at, order.id)
    place = tuple_(*columns)
    statement = statement.where(place > tuple_(*value, *lower), place < tuple_(*value, *upper))
    by = [column.asc() if backward else column.desc() for column in columns]
    found = connection.execute(statement.order_by(*by).limit(span.size + 1)).mappings()
    rows: list[Row] = [dict(row) for row in found]
    goes_on = len(rows) > span.size
    rows = rows[: span.size][:: -1 if backward else 1]
    if not rows:
        return Page(rows=rows)
    # There is a page where we came from, too.
    newer, older = (goes_on, True) if backward else (cursor is not None, goes_on)
    first, last = rows[0], rows[-1]

    return Page(
        rows=rows,
        previous=Cursor(at=first[order.at.name], id=first["id"], backward=True) if newer else None,
        next=Cursor(at=last[order.at.name], id=last["id"], backward=False) if older else None,
    )
