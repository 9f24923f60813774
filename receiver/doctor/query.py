"""Queries the database, with a timeout that works even while the server is frozen."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.errors import ReceiverError, describe

# A query of the doctor takes milliseconds on a healthy database.
QUERY_TIMEOUT_SECONDS = 10.0

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class QueryError(ReceiverError):
    """The database gave no result. The message says why, and contains no value of a statement."""


def query(
    engine: Engine,
    function: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the function's result on a new connection; raise QueryError if it fails."""

    def work() -> Result:
        with engine.connect() as connection:
            return function(connection, *args, **kwargs)

    return run_with_timeout(work)


def run_with_timeout(work: Callable[[], Result]) -> Result:
    """Return the result of `work`; raise QueryError if it fails or exceeds QUERY_TIMEOUT_SECONDS.

    Outside gevent, psycopg waits in C for as long as a frozen server keeps its socket open. So the
    work runs in a daemon thread, which is abandoned at the timeout.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result(QUERY_TIMEOUT_SECONDS)
    except TimeoutError:
        raise QueryError(f"no response within {QUERY_TIMEOUT_SECONDS:g} s") from None
    except SQLAlchemyError as error:
        raise QueryError(describe(error)) from error
