"""Limits the time of a statement whose cost depends on the data, not only on an index."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from receiver.runtime.errors import SafeMessageError
from receiver.store.sqlstate import QUERY_CANCELED, state_of

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class StatementTimeoutError(SafeMessageError):
    """The statement took longer than it may."""


def run_with_timeout(
    connection: Connection,
    seconds: float,
    work: Callable[Concatenate[Connection, Parameters], Result],
    /,
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work`, or raise StatementTimeoutError.

    The connection must be in a transaction, because the settings end with it. They keep one
    statement from taking more than one core, or compiling for longer than it runs.
    """
    connection.exec_driver_sql(
        f"SET LOCAL statement_timeout = {round(seconds * 1000)};"
        "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
    )
    try:
        return work(connection, *args, **kwargs)
    except DBAPIError as error:
        if state_of(error) == QUERY_CANCELED:
            raise StatementTimeoutError(f"the statement took longer than {seconds:g} s") from None
        raise
