"""What every part of a pass works with: the store, Twilio, the time, and whether to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.store.retry import retry_until
from receiver.twilio.client import Twilio

Answer = TypeVar("Answer")


def _now() -> datetime:
    return datetime.now(UTC)


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class ReconcileContext:
    """`account_id` is the only account that Twilio can be asked about, None if it isn't known.

    `grace` is how long after a job's end its callback may still come.
    """

    engine: Engine
    twilio: Twilio
    grace: timedelta
    account_id: str | None = None
    clock: Callable[[], datetime] = _now
    is_stopping: Callable[[], bool] = _never

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the store's answer, or raise store.retry.DatabaseUnavailableError."""

        def attempt() -> Answer:
            with self.engine.connect() as connection:
                return question(connection)

        return retry_until(Deadline(REQUEST_SECONDS), attempt)
