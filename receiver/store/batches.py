"""Reads a long list of ids in batches: no statement takes long, and no batch needs much memory."""

from collections.abc import Iterator
from typing import TypeVar

from sqlalchemy import ColumnElement, Engine, Select

_BATCH_SIZE = 1000

Id = TypeVar("Id", int, str)


def read_in_batches(
    engine: Engine, statement: Select[Id], column: ColumnElement[Id], *, after: Id
) -> Iterator[Id]:
    """Yield the values above `after` of the only column that the statement selects, ascending."""
    while True:
        batch = statement.where(column > after).order_by(column).limit(_BATCH_SIZE)
        with engine.connect() as connection:
            ids = connection.scalars(batch).all()
        if not ids:
            return
        yield from ids
        after = ids[-1]
