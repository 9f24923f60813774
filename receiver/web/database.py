"""Queries the database for a view, retrying until the request's deadline."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from flask import request
from sqlalchemy import Connection

from receiver.runtime.deadline import request_deadline
from receiver.services import services
from receiver.store import retry

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def query(
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work` on a connection, or raise DatabaseUnavailableError."""
    return retry.query(services().engine, request_deadline(request.environ), work, *args, **kwargs)
