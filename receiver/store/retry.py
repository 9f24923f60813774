"""Trying again: a database that is away, restarting or crowded now may answer a moment later."""

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

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

# These speak of the values, and would come back for ever; every other error of the database (not
# reachable, shutting down, out of connections, read-only, out of disk, not migrated yet) passes.
_OF_THE_VALUES = (DataError, IntegrityError, NotSupportedError)
_LIMIT_EXCEEDED = "54"  # SQLSTATE class: too large, too complex; psycopg calls it operational


class DatabaseUnavailableError(SafeMessageError):
    """The database didn't do it before the deadline; nothing is known to be stored."""


def is_transient(error: SQLAlchemyError) -> bool:
    """Tell whether a later try may not meet the error."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError) or isinstance(error, _OF_THE_VALUES):
        return False
    state = _state(error)
    # The driver's own refusal of a value is a programming error without a state.
    ours = isinstance(error, ProgrammingError) and state is None

    return not (ours or (state or "").startswith(_LIMIT_EXCEEDED))


def retry_until(
    deadline: Deadline,
    attempt: Callable[Parameters, Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `attempt(*args, **kwargs)`; retry transient errors until the deadline.

    Raises DatabaseUnavailableError at the deadline, and any other error at once.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return attempt(*args, **kwargs)
        except SQLAlchemyError as error:
            if not is_transient(error):
                raise
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads the load, no secret
            if pause == _FIRST_PAUSE:
                logger.warning("the database failed, trying again: %s", describe(error))
            if deadline.remaining() <= wait:
                raise DatabaseUnavailableError(describe(error)) from error
        time.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)


def query(
    engine: Engine,
    deadline: Deadline,
    work: Callable[Concatenate[Connection, Parameters], Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `work` on a connection; each retry takes a fresh one.

    Raises what `retry_until` raises.
    """

    def attempt() -> Result:
        with engine.connect() as connection:
            return work(connection, *args, **kwargs)

    return retry_until(deadline, attempt)


def _state(error: SQLAlchemyError) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else None

    return getattr(cause, "sqlstate", None)
