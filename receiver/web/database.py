"""Queries the database for a view, retrying until the request's deadline."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from flask import Response, request
from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import request_deadline
from receiver.services import services
from receiver.store import retry
from receiver.store.engine import transactional
from receiver.store.statement_timeout import run_with_timeout
from receiver.web.problems import unavailable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def query(
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work` on a connection, or raise DatabaseUnavailableError."""
    return _query(services().engine, work, *args, **kwargs)


def query_bounded(
    seconds: float,
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work`, in a transaction whose statements take at most `seconds`.

    Raises StatementTimeoutError or DatabaseUnavailableError.
    """
    engine = transactional(services().engine)

    return _query(engine, run_with_timeout, seconds, work, *args, **kwargs)


def retry_later(_error: Exception) -> Response:
    """Return the answer of a read while the database is unavailable: a handler of this error."""
    return unavailable("The database is unavailable; /readyz may say why. Try again.")


def _query(
    engine: Engine,
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Query with one of the connections that readers may use."""
    limits, deadline = services().limits, request_deadline(request.environ)
    with limits.connections.hold(deadline.remaining()):
        result = retry.query(engine, deadline, work, *args, **kwargs)
    # What follows is work for the CPU: rendering the result.
    limits.pacer.pause_if_due()

    return result
