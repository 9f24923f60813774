"""Retries what fails because the database is unavailable, restarting or overloaded."""

import logging
import random
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError, describe
from receiver.store.sqlstate import Cause, cause_of

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 1.0

_TRANSIENT = {Cause.STORE, Cause.TAKEN_ID, Cause.LOCK}

# What an attempt may take that finds a lock again. Without so much time left, it isn't begun: its
# interruption at the deadline would look like a database that doesn't respond.
_LOCKED_ATTEMPT_SECONDS = 1.0


class DatabaseUnavailableError(SafeMessageError):
    """The database failed until the deadline; whether it stored anything is unknown."""


class LockedError(DatabaseUnavailableError):
    """Another transaction locked the rows until the deadline; other rows may be free."""


def retry_until(
    deadline: Deadline,
    attempt: Callable[Parameters, Result],
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Return the result of `attempt(*args, **kwargs)`; retry transient errors until the deadline.

    Raises DatabaseUnavailableError at the deadline (LockedError if a lock is the cause), and any
    other error immediately.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return attempt(*args, **kwargs)
        except SQLAlchemyError as error:
            cause = cause_of(error)
            if cause not in _TRANSIENT:
                raise
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads the load, no secret
            if pause == _FIRST_PAUSE_SECONDS:
                logger.warning("the database failed, retrying: %s", describe(error))
            if cause is Cause.LOCK and deadline.remaining() <= wait + _LOCKED_ATTEMPT_SECONDS:
                raise LockedError(describe(error)) from error
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
