"""Retries what fails because the database is unavailable, restarting or overloaded."""

import logging
import random
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError, describe
from receiver.store.engine import STALE_PLAN

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 1.0

# The values cause these errors; retrying can't help. All others are transient: not reachable,
# shutting down, out of connections, read-only, out of disk, not migrated yet.
_VALUE_ERRORS = (DataError, IntegrityError, NotSupportedError)
# SQLSTATE class "program limit exceeded": too large, too complex. The values cause it too, but
# psycopg reports it as an operational error.
_LIMIT_EXCEEDED = "54"


class DatabaseUnavailableError(SafeMessageError):
    """The database failed until the deadline; whether it stored anything is unknown."""


def _is_transient(error: SQLAlchemyError) -> bool:
    """Return whether a retry may succeed."""
    if isinstance(error, PoolTimeoutError):
        return True
    state = _state(error)
    if state == STALE_PLAN:
        return True
    if not isinstance(error, DBAPIError) or isinstance(error, _VALUE_ERRORS):
        return False
    # A value that the driver itself rejects is a ProgrammingError without a state.
    is_driver_error = isinstance(error, ProgrammingError) and state is None

    return not (is_driver_error or (state or "").startswith(_LIMIT_EXCEEDED))


def retry_until(
    deadline: Deadline,
    attempt: Callable[Parameters, Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `attempt(*args, **kwargs)`; retry transient errors until the deadline.

    Raises DatabaseUnavailableError at the deadline, and any other error immediately.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return attempt(*args, **kwargs)
        except SQLAlchemyError as error:
            if not _is_transient(error):
                raise
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads the load, no secret
            if pause == _FIRST_PAUSE_SECONDS:
                logger.warning("the database failed, retrying: %s", describe(error))
            if deadline.remaining() <= wait:
                raise DatabaseUnavailableError(describe(error)) from error
        time.sleep(wait)
        pause = min(2 * pause, _MAX_PAUSE_SECONDS)


def query(
    engine: Engine,
    deadline: Deadline,
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work` on a connection; each retry uses a new one.

    Raises what `retry_until` raises.
    """

    def attempt() -> Result:
        with engine.connect() as connection:
            return work(connection, *args, **kwargs)

    return retry_until(deadline, attempt)


def _state(error: SQLAlchemyError) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else None

    return getattr(cause, "sqlstate", None)
