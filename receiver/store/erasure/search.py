"""Searches the personal columns of a table for a value, in batches."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import quote, quote_plus

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Row,
    Table,
    case,
    func,
    or_,
    select,
    true,
)

from receiver.store.erasure.batches import read_batches
from receiver.store.erasure.places import searchable

_BATCH_ROWS = 200
_BATCH_ROWS_WITHOUT_BODIES = 5000


class Scope(NamedTuple):
    """What is searched: columns of a table's rows, of all rows without a condition."""

    table: Table
    columns: Sequence[str]
    where: ColumnElement[bool] | None = None


class Hit(NamedTuple):
    """A row that contains the value: its primary key, and the columns."""

    key: Any
    columns: list[str]


@dataclass(frozen=True)
class Needle:
    """What is searched for: the spellings of a value, and the pattern that decides."""

    spellings: tuple[str, ...]
    pattern: re.Pattern[bytes]

    @classmethod
    def of_text(cls, value: str) -> Self:
        """Return the needle for a value anywhere in a text, as JSON or a form may write it.

        A number isn't found within a longer one.
        """
        spellings = _spellings(value)
        texts = b"|".join(re.escape(text.encode()) for text in spellings)
        before = rb"(?<![0-9])" if value[0].isdigit() else b""
        after = rb"(?![0-9])" if value[-1].isdigit() else b""

        return cls(spellings, re.compile(before + b"(?:" + texts + b")" + after))

    @classmethod
    def of_ending(cls, value: str, digits: str) -> Self:
        """Return the needle for a value, and for every number that ends in these digits."""
        spellings = (*_spellings(value), digits)
        texts = b"|".join(re.escape(text.encode()) for text in spellings)

        return cls(spellings, re.compile(b"(?:" + texts + rb")(?![0-9])"))

    @classmethod
    def of_string(cls, value: str) -> Self:
        """Return the needle for a value that is a whole string of Postgres's JSON."""
        string = json.dumps(value, ensure_ascii=False)

        return cls((string,), re.compile(re.escape(string.encode())))

    def is_in(self, content: str | bytes) -> bool:
        """Return whether the content has the value."""
        data = content.encode() if isinstance(content, str) else content

        return self.pattern.search(data) is not None


def search(
    engine: Engine,
    scope: Scope,
    needle: Needle,
    *,
    report: Callable[[int], None] = lambda _: None,
) -> Iterator[Hit]:
    """Yield the rows in which a column contains the value, in the order of their keys.

    `report` is called with the number of rows of each batch. Rows that are added meanwhile may not
    be found. Raises receiver.store.retry.DatabaseUnavailableError.
    """
    table = scope.table
    [key] = table.primary_key.columns
    batch_rows = _BATCH_ROWS if _has_bodies(scope) else _BATCH_ROWS_WITHOUT_BODIES
    # The server sends the columns only for rows that may match.
    found = [
        case((_contains(column, needle), column)).label(f"found_{number}")
        for number, column in enumerate(searchable(table, name) for name in scope.columns)
    ]
    statement = (
        select(key.label("key"), *found)
        .where(true() if scope.where is None else scope.where)
        .order_by(key)
        .limit(batch_rows)
    )

    def read(connection: Connection, after: Any) -> Sequence[Row[Any]]:
        rest = statement if after is None else statement.where(key > after)
        return connection.execute(rest).all()

    for rows in read_batches(engine, read, batch_rows=batch_rows):
        for row in rows:
            contents: Sequence[str | bytes | None] = row[1:]
            columns = [
                name
                for name, content in zip(scope.columns, contents, strict=True)
                if content is not None and needle.is_in(content)
            ]
            if columns:
                yield Hit(row.key, columns)
        report(len(rows))


def _spellings(value: str) -> tuple[str, ...]:
    """Return how the value may be written: as it is, in JSON, and in a form or a URL."""
    escaped = json.dumps(value)[1:-1]
    encoded = {quote_plus(value), quote(value, safe="")}

    return tuple(
        sorted(
            {value, escaped, json.dumps(value, ensure_ascii=False)[1:-1], *encoded}
            # Either case of the hexadecimal digits is usual.
            | {re.sub(r"\\u[0-9a-f]{4}", lambda found: r"\u" + found[0][2:].upper(), escaped)}
            | {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in encoded}
        )
    )


def _has_bodies(scope: Scope) -> bool:
    return any(isinstance(scope.table.c[name].type, LargeBinary) for name in scope.columns)


def _contains(
    searched: ColumnElement[str] | ColumnElement[bytes], needle: Needle
) -> ColumnElement[bool]:
    if isinstance(searched.type, LargeBinary):
        # Qualified, because POSITION is also a keyword with a grammar of its own.
        return or_(
            *(func.pg_catalog.position(searched, text.encode()) > 0 for text in needle.spellings)
        )

    return or_(*(func.strpos(searched, text) > 0 for text in needle.spellings))
