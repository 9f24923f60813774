"""Pages by keyset: read off an index from a place in its order, never by counting.

A page is found by its neighbour's place: it costs the same however deep it lies, and rows that come
in meanwhile shift nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, tuple_

Place = tuple[datetime, Any]  # the time and the id

# No row is beyond.
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


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

    rows: Sequence[Mapping[str, Any]]
    previous: Cursor | None = None
    next: Cursor | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """An index's order, and the places, both excluded, between which a list's rows are."""

    at: ColumnElement[datetime]
    id: ColumnElement[Any]
    lower: Place
    upper: Place
    # The column that comes before these, and the one value of it that all rows have.
    head: ColumnElement[Any] | None = None
    value: Any = None


def read_page(connection: Connection, statement: Select[Any], order: Order, span: Span) -> Page:
    """Return the page of what the statement selects that the span asks for."""
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
    # One row more than asked for tells whether the list goes on.
    found = connection.execute(statement.order_by(*by).limit(span.size + 1)).mappings()
    rows = [dict(row) for row in found]
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
