"""Searches the personal columns of a table for a value, in batches."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Row,
    Select,
    Table,
    case,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array

from receiver.runtime.deadline import Deadline
from receiver.store.erasure.places import searchable
from receiver.store.retry import query

# Bodies have up to 2 MiB, so a batch may take some seconds.
_BATCH_ROWS = 200
_TIMEOUT_SECONDS = 60.0


class Scope(NamedTuple):
    """What is searched: columns of a table's rows, of all rows without a condition."""

    table: Table
    columns: Sequence[str]
    where: ColumnElement[bool] | None = None


class Hit(NamedTuple):
    """A row that contains the value: its primary key, and the columns."""

    key: Any
    columns: list[str]


def spellings(value: str) -> list[str]:
    """Return how the value may be written: as it is, in JSON, and in a form or a URL."""
    return sorted(
        {
            value,
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            quote_plus(value),
        }
    )


def search(
    engine: Engine,
    scope: Scope,
    needles: Sequence[str],
    *,
    report: Callable[[int], None] = lambda _: None,
) -> Iterator[Hit]:
    """Yield the rows in which a column contains one of the needles, in the order of their keys.

    `report` is called with the number of rows of each batch. Rows that are
    added meanwhile may not be found. Raises receiver.store.retry.DatabaseUnavailableError.
    """
    [key] = scope.table.primary_key.columns
    found = array([case((_contains(scope.table, name, needles), name)) for name in scope.columns])
    statement = (
        select(key.label("key"), func.array_remove(found, None).label("columns"))
        .where(true() if scope.where is None else scope.where)
        .order_by(key)
        .limit(_BATCH_ROWS)
    )
    rows = _read(engine, statement)
    while rows:
        yield from (Hit(row.key, row.columns) for row in rows if row.columns)
        report(len(rows))
        rows = _read(engine, statement.where(key > rows[-1].key))


def _read(engine: Engine, statement: Select[Any]) -> Sequence[Row[Any]]:
    def execute(connection: Connection) -> Sequence[Row[Any]]:
        return connection.execute(statement).all()

    return query(engine, Deadline(_TIMEOUT_SECONDS), execute)


def _contains(table: Table, name: str, needles: Sequence[str]) -> ColumnElement[bool]:
    searched = searchable(table, name)
    if isinstance(searched.type, LargeBinary):
        # Qualified, because POSITION is also a keyword with a grammar of its own.
        return or_(*(func.pg_catalog.position(searched, needle.encode()) > 0 for needle in needles))

    return or_(*(func.strpos(searched, needle) > 0 for needle in needles))
