"""Reads pages by keyset: a page starts at a row's place in an index, not at an offset.

So every page costs the same, and new rows don't shift the other pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    UnaryExpression,
    select,
    tuple_,
    union_all,
)

from receiver.store.rows import to_dicts

Place = tuple[datetime, Any]  # the time and the id

# All rows are between these.
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The edge of a page: the page begins after the row at this place, excluding that row."""

    at: datetime
    id: str | int
    backward: bool  # True: the page has the newer rows; False: the older ones


@dataclass(frozen=True, kw_only=True)
class Span:
    """How many rows to read, and from where: without a cursor, from the newest row."""

    size: int
    cursor: Cursor | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, newest first, and the cursors of the pages around them: None if there is no page."""

    rows: Sequence[Mapping[str, Any]]
    previous: Cursor | None = None
    next: Cursor | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order of an index, and the two places (excluded) before and after the list's rows."""

    at: ColumnElement[datetime]
    id: ColumnElement[Any]
    lower: Place
    upper: Place
    # The index's first column, if there is one before these, and its value, the same in all rows.
    # Several heads have an index each, and the list has the rows with the value in any of them.
    heads: Sequence[ColumnElement[Any]] = ()
    value: Any = None
    # False: read all rows that pass the conditions and sort them, instead of reading an index in
    # its order. This is faster for a few rows among many.
    is_indexed: bool = True


def read_page(connection: Connection, statement: Select[Any], order: Order, span: Span) -> Page:
    """Return the page that `span` describes, of the rows that the statement selects."""
    cursor = span.cursor
    backward = cursor is not None and cursor.backward
    # One more row than requested shows whether the list continues.
    limit = span.size + 1
    branches = [
        _range(statement, order, heads, cursor).limit(limit) for heads in _branches(order.heads)
    ]
    statement = branches[0]
    if len(branches) > 1:
        merged = union_all(*branches).subquery()
        columns = (merged.c[order.at.name], merged.c[order.id.name])
        statement = select(merged).order_by(*_sorted(columns, backward=backward)).limit(limit)
    rows = to_dicts(connection.execute(statement))
    has_more = len(rows) > span.size
    rows = rows[: span.size][:: -1 if backward else 1]
    if not rows:
        return Page(rows=rows)
    # With a cursor, there is also a page in the other direction: the client has read it before.
    has_newer, has_older = (has_more, True) if backward else (cursor is not None, has_more)
    first, last = rows[0], rows[-1]

    return Page(
        rows=rows,
        previous=Cursor(at=first[order.at.name], id=first["id"], backward=True)
        if has_newer
        else None,
        next=Cursor(at=last[order.at.name], id=last["id"], backward=False) if has_older else None,
    )


def _branches(heads: Sequence[ColumnElement[Any]]) -> list[Sequence[ColumnElement[Any]]]:
    """Return the heads of each range: those of the earlier ranges, then its own."""
    return [heads[: number + 1] for number in range(len(heads))] or [()]


def _range(
    statement: Select[Any],
    order: Order,
    heads: Sequence[ColumnElement[Any]],
    cursor: Cursor | None,
) -> Select[Any]:
    """Return the statement for the rows of one range of an index, without those of other ranges."""
    backward = cursor is not None and cursor.backward
    lower, upper = order.lower, order.upper
    if cursor:
        edge = (cursor.at, cursor.id)
        lower, upper = (max(lower, edge), upper) if backward else (lower, min(upper, edge))
    head, value = (heads[-1:], (order.value,)) if heads else ((), ())
    columns = (*head, order.at, order.id)
    place = tuple_(*columns)
    conditions = [
        *(other.is_distinct_from(order.value) for other in heads[:-1]),
        # Postgres needs this to recognize that a partial index is sufficient.
        *(column.is_not(None) for column in head),
        place > tuple_(*value, *lower),
        place < tuple_(*value, *upper),
    ]

    # No index has the order of a composite value.
    keys = columns if order.is_indexed else [place]

    return statement.where(*conditions).order_by(*_sorted(keys, backward=backward))


def _sorted(columns: Sequence[ColumnElement[Any]], *, backward: bool) -> list[UnaryExpression[Any]]:
    return [column.asc() if backward else column.desc() for column in columns]
