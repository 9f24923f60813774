"""The context of a reconcile pass: the database, the Twilio client, the clock and settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.retry import query
from receiver.twilio.client import Twilio

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class ReconcileContext:
    """What every step of a pass needs.

    `account_id` is the account that the client's credentials belong to, None if it is unknown. Jobs
    of other accounts are not polled. `grace` is how long after a job's end its callback may still
    arrive. `clock` returns the database's time, or raises DatabaseUnavailableError.
    """

    engine: Engine
    twilio: Twilio
    grace: timedelta
    clock: Callable[[], datetime]
    account_id: str | None = None
    is_stopping: Callable[[], bool] = _never
    query_timeout_seconds: float = REQUEST_SECONDS

    def query(
        self,
        work: Callable[Concatenate[Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work` on a connection, or raise DatabaseUnavailableError."""
        return query(self.engine, Deadline(self.query_timeout_seconds), work, *args, **kwargs)
