"""The claim of this process on an endpoint: taken, renewed, lost and released."""

import math
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from receiver.push.next_changes import read_end_cursor
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.store.push import claims
from receiver.store.push.claims import Claim
from receiver.store.push.endpoints import EndpointState, add_endpoint, find_endpoint
from receiver.store.retry import query

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Longer than an attempt and the statements around it. If a process is killed, another one goes on
# after this time.
LEASE_SECONDS = 60.0
# A lease is renewed after a third of it, if nothing else has renewed it.
_RENEWALS = 3


class ClaimLostError(SafeMessageError):
    """Another process sends to the endpoint now, or an operator has moved it."""


class Lease:
    """What this process may do to an endpoint's row, and for how long. It is not thread-safe."""

    def __init__(self, engine: Engine, name: str, seconds: float) -> None:
        self._engine = engine
        self._name = name
        self._seconds = seconds
        self._claim = Claim(name=name, token=uuid.uuid4(), lease=timedelta(seconds=seconds))
        # The earliest possible start of the lease, by the monotonic clock.
        self._renewed_at = -math.inf

    def state(self) -> EndpointState | None:
        """Return the endpoint's state if this process may send, None if another process does.

        An endpoint without a row starts at the end of the feed: it gets what changes from now on.
        """
        state = self.query(find_endpoint, self._name)
        if state is None:
            self.query(_start, self._name)
        elif state.is_claimed:
            if state.claim != self._claim.token:
                return None
            if self.remaining_seconds() > self._seconds * (1 - 1 / _RENEWALS):
                return state

        return self.renew(claims.take)

    def remaining_seconds(self) -> float:
        """Return for how many more seconds the lease is valid, at least."""
        return self._renewed_at + self._seconds - time.monotonic()

    def renew(
        self,
        work: Callable[Concatenate[Connection, Claim, Parameters], Result | None],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work`, which renews the lease; raises ClaimLostError."""
        started_at = time.monotonic()
        result = self.query(work, self._claim, *args, **kwargs)
        if not result:
            raise ClaimLostError("another process sends to it now, or an operator moved it")
        self._renewed_at = started_at

        return result

    def release(self) -> None:
        """Let another process send."""
        self.query(claims.release, self._claim)

    def query(
        self,
        work: Callable[Concatenate[Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work`; raises receiver.store.retry.DatabaseUnavailableError."""
        return query(self._engine, Deadline(REQUEST_SECONDS), work, *args, **kwargs)


def _start(connection: Connection, name: str) -> None:
    add_endpoint(connection, name, read_end_cursor(connection))
