"""Statements that are compiled once, for frequent reads: compiling takes longer than the query."""

from functools import cached_property
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy import Connection, Select, make_url

from receiver.store.execute import execute_prepared

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()


class CompiledOnce:
    """A statement whose values are its bound parameters. Its first execution compiles it.

    Compiling all of them takes a worker 2 % of its start.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement

    def first_row(self, connection: Connection, **values: Any) -> TupleRow | None:
        """Return the first row of the statement with these values, None if it has no row.

        It is prepared if the connection is direct. Raises sqlalchemy.exc.SQLAlchemyError.
        """
        text, constants = self._compiled
        rows = execute_prepared(connection, text, constants | values)

        return rows[0] if rows else None

    @cached_property
    def _compiled(self) -> tuple[str, dict[str, Any]]:
        """The text of the statement, and the values in it that aren't parameters."""
        compiled = self._statement.compile(dialect=_DIALECT)
        constants = {
            name: bind.effective_value
            for bind, name in compiled.bind_names.items()
            if not bind.required
        }

        return compiled.string, constants
