"""Queries the database once; the doctor reports a failure instead of retrying."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.errors import ReceiverError, describe

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class QueryError(ReceiverError):
    """The database gave no result. The message says why, and contains no value of a statement."""


@contextmanager
def query_errors() -> Iterator[None]:
    """Raise a database error of the block as QueryError."""
    try:
        yield
    except SQLAlchemyError as error:
        raise QueryError(describe(error)) from error


def query(
    engine: Engine,
    function: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the function's result on a new connection; raise QueryError if it fails."""
    with query_errors(), engine.connect() as connection:
        return function(connection, *args, **kwargs)
