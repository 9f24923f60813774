"""Sends one endpoint its changes, one after the other.

The order of the steps keeps the promises of push, wherever a process is killed or stalled: read the
next change; store what was delivered before, and reserve the attempt's number; send. So an endpoint
gets the newest state of each job at least once. Of two messages about a job, the one with the
higher number never has the older state.
"""

import logging
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from receiver.push.message import Message
from receiver.push.next_change import (
    OtherHistoryError,
    read_end_cursor,
    read_next,
)
from receiver.push.schedule import retry_seconds
from receiver.push.sender import ATTEMPT_SECONDS, Kind, Result
from receiver.runtime.deadline import REQUEST_SECONDS, Deadline
from receiver.runtime.errors import SafeMessageError, describe, locate
from receiver.store.jobs.read import Row
from receiver.store.push import claims
from receiver.store.push.claims import Claim, Failure, Progress
from receiver.store.push.endpoints import EndpointState, add_endpoint, find_endpoint
from receiver.store.retry import query

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

logger = logging.getLogger(__name__)

# Longer than an attempt and the statements around it. If a process is killed, another one goes on
# after this time.
LEASE_SECONDS = 60.0
# How often a process stores that it lives, and that its endpoint has everything.
HEARTBEAT_SECONDS = 10.0


class MakeMessage(Protocol):
    """Makes the message about a job, see receiver.push.message.make_message."""

    def __call__(self, job: Row, /, *, history: str, sequence: int) -> Message:
        """Return the message."""


class ClaimLostError(SafeMessageError):
    """Another process sends to the endpoint now, or an operator has moved it."""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What was done for an endpoint."""

    delivered: int = 0
    error: str | None = None  # why it doesn't have everything
    is_elsewhere: bool = False  # another process sends to it


class Pusher:
    """Sends to one endpoint while it holds the claim on it. It is not thread-safe."""

    def __init__(  # noqa: PLR0913 - the last three have one value, except in tests
        self,
        engine: Engine,
        name: str,
        *,
        make: MakeMessage,
        send: Callable[[Message], Result],
        is_stopping: Callable[[], bool] = lambda: False,
        lease_seconds: float = LEASE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Send to the endpoint of this name the messages that `make` makes."""
        self.name = name
        self._engine = engine
        self._make = make
        self._send = send
        self._is_stopping = is_stopping
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._claim = Claim(name=name, token=uuid.uuid4(), lease=timedelta(seconds=lease_seconds))
        # By the monotonic clock: since when the lease runs at least, and when it was last stored
        # that the endpoint has everything.
        self._renewed_at = self._caught_up_at = -math.inf

    def push_due(self) -> Pushed:
        """Send what is due, until the endpoint has everything, or an attempt fails.

        Raises receiver.store.retry.DatabaseUnavailableError, FeedUnavailableError, ClaimLostError.
        """
        state = self._claimed_state()
        if state is None:
            return Pushed(is_elsewhere=True)
        if not state.is_due:
            return Pushed(error=state.last_error)
        try:
            return self._push(state)
        except OtherHistoryError:
            logger.warning(
                "the database has another history: all changes are sent again",
                extra={"endpoint": self.name},
            )
            return self._push(replace(state, cursor=None))

    def release(self) -> None:
        """Let another process send; raises receiver.store.retry.DatabaseUnavailableError."""
        self._query(claims.release, self._claim)

    def _claimed_state(self) -> EndpointState | None:
        """Return the endpoint's state if this process has the claim, None if another one has it."""
        state = self._query(find_endpoint, self.name)
        if state is None:
            self._query(_start, self.name)
        elif state.is_claimed:
            if state.claim != self._claim.token:
                return None
            if time.monotonic() < self._renewed_at + 2 * self._heartbeat_seconds:
                return state

        return self._renew(claims.take)

    def _push(self, state: EndpointState) -> Pushed:
        progress, failures, delivered = Progress(cursor=state.cursor), state.failures, 0
        while not self._is_stopping():
            change = self._query(read_next, progress.cursor)
            if change.job is None:
                self._store_caught_up(state, replace(progress, cursor=change.cursor))
                return Pushed(delivered=delivered)
            sequence = self._renew(claims.begin_attempt, progress)
            if not self._has_time_left():
                continue  # the process was stalled; another one may be sending by now
            result = self._attempt(change.job, change.history, sequence)
            if result.kind is not Kind.DELIVERED:
                self._store_failure(progress, failures + 1, change.job["id"], result)
                return Pushed(delivered=delivered, error=result.reason)
            delivered, failures = delivered + 1, 0
            progress = Progress(cursor=change.cursor, has_delivered=True)
        if progress.has_delivered:
            self._renew(claims.store_progress, progress)

        return Pushed(delivered=delivered)

    def _attempt(self, job: Row, history: str, sequence: int) -> Result:
        try:
            return self._send(self._make(job, history=history, sequence=sequence))
        except Exception as error:  # noqa: BLE001 - it must not stop the endpoint unnoticed
            fields = {"endpoint": self.name, "job": job["id"]}
            logger.error("a change can't be sent: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote the job
            return Result(Kind.FAILED, f"a fault of the service: {describe(error)}")

    def _store_failure(
        self, progress: Progress, failures: int, job_id: str, result: Result
    ) -> None:
        is_gone = result.kind is Kind.GONE
        seconds = None if is_gone else retry_seconds(failures, result.retry_after_seconds)
        failure = Failure(
            reason=result.reason, job_id=job_id, failures=failures, retry_seconds=seconds
        )
        self._renew(claims.store_failure, progress, failure)
        fields = {"endpoint": self.name, "job": job_id, "failures": failures}
        if is_gone:
            logger.error("the endpoint is disabled: it %s", result.reason, extra=fields)
        else:
            fields["retry_seconds"] = seconds
            logger.warning("a change was not delivered: %s", result.reason, extra=fields)

    def _store_caught_up(self, state: EndpointState, progress: Progress) -> None:
        """Store it if the endpoint got anything, and else now and then."""
        now = time.monotonic()
        is_news = progress != Progress(cursor=state.cursor)
        if is_news or now >= self._caught_up_at + self._heartbeat_seconds:
            self._renew(claims.store_progress, progress, is_caught_up=True)
            self._caught_up_at = now

    def _has_time_left(self) -> bool:
        """Return whether an attempt that begins now ends within the lease."""
        return time.monotonic() + ATTEMPT_SECONDS < self._renewed_at + self._lease_seconds

    def _renew(
        self,
        work: Callable[Concatenate[Connection, Claim, Parameters], Returned | None],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Returned:
        """Return the result of `work`, which renews the lease; raises ClaimLostError."""
        started_at = time.monotonic()
        result = self._query(work, self._claim, *args, **kwargs)
        if not result:
            raise ClaimLostError("another process sends to it now, or an operator moved it")
        self._renewed_at = started_at

        return result

    def _query(
        self,
        work: Callable[Concatenate[Connection, Parameters], Returned],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Returned:
        return query(self._engine, Deadline(REQUEST_SECONDS), work, *args, **kwargs)


def _start(connection: Connection, name: str) -> None:
    """Start an endpoint at the end of the feed: it gets what changes from now on."""
    add_endpoint(connection, name, read_end_cursor(connection))
