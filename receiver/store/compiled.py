"""Statements that are compiled once, for frequent reads: compiling takes longer than the query."""

from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy import Connection, Select, make_url
from sqlalchemy.engine import Compiled

from receiver.store.execute import execute_prepared

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()


def compile_once(statement: Select[Any]) -> Compiled:
    """Return the statement, whose values are its bound parameters, for `first_row`."""
    return statement.compile(dialect=_DIALECT)


def first_row(connection: Connection, statement: Compiled, **values: Any) -> TupleRow | None:
    """Return the first row of a compiled statement with these values, None if it has no row.

    The statement is prepared if the connection is direct. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    rows = execute_prepared(connection, str(statement), statement.construct_params(values) or {})

    return rows[0] if rows else None
