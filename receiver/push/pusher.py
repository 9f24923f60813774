"""Sends one endpoint its changes, one after the other.

The order of the steps keeps the promises of push, wherever a process is killed or stalled: read the
next changes; store what was delivered before, and reserve the attempt's number; send. So an
endpoint gets the newest state of each job at least once. Of two messages about a job, the one with
the higher number never has the older state.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Engine

from receiver.changes.cursor import CursorError
from receiver.push.lease import LEASE_SECONDS, Lease
from receiver.push.message import Message
from receiver.push.next_changes import Change, read_next
from receiver.push.progress import REPORT_SECONDS, ProgressReport
from receiver.push.schedule import retry_seconds
from receiver.push.sender import ATTEMPT_SECONDS, AttemptOutcome, AttemptResult
from receiver.runtime.errors import describe, locate
from receiver.store.jobs.read import Row
from receiver.store.push import claims
from receiver.store.push.claims import Failure, Progress
from receiver.store.push.endpoints import EndpointState

logger = logging.getLogger(__name__)

# How often the row records that the endpoint has received everything.
HEARTBEAT_SECONDS = 10.0
# Then changes are read anew, because the jobs may have changed again.
_MAX_AGE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class PushResult:
    """What was done for an endpoint."""

    delivered: int = 0
    error: str | None = None  # why it doesn't have everything
    is_elsewhere: bool = False  # another process sends to it


class MakeMessage(Protocol):
    """Makes the message about a job, see receiver.push.message.make_message."""

    def __call__(self, job: Row, /, *, history: str, sequence: int) -> Message:
        """Return the message."""


class Pusher:
    """Sends to one endpoint while it has the claim on it. It is not thread-safe."""

    def __init__(  # noqa: PLR0913 - the last three have one value, except in tests
        self,
        engine: Engine,
        name: str,
        *,
        make: MakeMessage,
        send: Callable[[Message], AttemptResult],
        is_stopping: Callable[[], bool],
        lease_seconds: float = LEASE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        """Send to the endpoint of this name the messages that `make` makes."""
        self.name = name
        self._lease = Lease(engine, name, lease_seconds)
        self._make = make
        self._send = send
        self._is_stopping = is_stopping
        self._heartbeat_seconds = heartbeat_seconds
        self._report_seconds = report_seconds
        self._caught_up_at = -math.inf  # by the monotonic clock

    def push_due(self) -> PushResult:
        """Send what is due, until the endpoint has everything, or an attempt fails.

        Raises receiver.store.retry.DatabaseUnavailableError, FeedUnavailableError, ClaimLostError.
        """
        state = self._lease.state()
        if state is None:
            return PushResult(is_elsewhere=True)
        if not state.is_due:
            return PushResult(error=state.last_error)
        try:
            return self._push(state)
        except CursorError as error:
            fields = {"endpoint": self.name}
            logger.warning("all changes are sent again: %s", error, extra=fields)
            return self._push(replace(state, cursor=None))

    def release(self) -> None:
        """Let another process send; raises receiver.store.retry.DatabaseUnavailableError."""
        self._lease.release()

    def _push(self, state: EndpointState) -> PushResult:
        progress, failures, delivered = Progress(cursor=state.cursor), state.failures, 0
        report = ProgressReport(self.name, self._report_seconds)
        changes: deque[Change] = deque()
        read_at = -math.inf
        sweep_began_at: float | None = None  # None in the middle of a sweep of an earlier run
        while not self._is_stopping():
            if not changes or time.monotonic() > read_at + _MAX_AGE_SECONDS:
                read_at = time.monotonic()
                found = self._lease.query(read_next, progress.cursor)
                changes = deque(found.changes)
                if found.begins_sweep:
                    sweep_began_at = read_at
            if not changes:
                self._store_caught_up(state, replace(progress, cursor=found.cursor))
                return PushResult(delivered=delivered)
            sequence = self._lease.renew(claims.begin_attempt, progress)
            if self._lease.remaining_seconds() < ATTEMPT_SECONDS:
                continue  # the process was stalled; another one may be sending by now
            change = changes.popleft()
            result = self._attempt(change, sequence)
            if result.outcome is not AttemptOutcome.DELIVERED:
                self._store_failure(progress, failures + 1, change.job["id"], result)
                return PushResult(delivered=delivered, error=result.reason)
            delivered, failures = delivered + 1, 0
            report.update(delivered)
            progress = Progress(cursor=change.cursor, has_delivered=True)
            if found.ends_sweep and not changes and sweep_began_at is not None:
                lag_seconds = time.monotonic() - sweep_began_at
                progress = replace(progress, lag_seconds=lag_seconds)
        if progress.has_delivered:
            self._lease.renew(claims.store_progress, progress)

        return PushResult(delivered=delivered)

    def _attempt(self, change: Change, sequence: int) -> AttemptResult:
        try:
            return self._send(self._make(change.job, history=change.history, sequence=sequence))
        except Exception as error:  # noqa: BLE001 - it must not stop the endpoint unnoticed
            fields = {"endpoint": self.name, "job": change.job["id"]}
            logger.error("a change can't be sent: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote the job
            return AttemptResult(
                AttemptOutcome.FAILED, f"a fault of the service: {describe(error)}"
            )

    def _store_failure(
        self, progress: Progress, failures: int, job_id: str, result: AttemptResult
    ) -> None:
        is_gone = result.outcome is AttemptOutcome.GONE
        seconds = None if is_gone else retry_seconds(failures, result.retry_after_seconds)
        failure = Failure(
            reason=result.reason, job_id=job_id, failures=failures, retry_seconds=seconds
        )
        self._lease.renew(claims.store_failure, progress, failure)
        fields = {"endpoint": self.name, "job": job_id, "failures": failures}
        if is_gone:
            logger.error("the endpoint is disabled: it %s", result.reason, extra=fields)
        else:
            fields["retry_seconds"] = seconds
            logger.warning("a change was not delivered: %s", result.reason, extra=fields)

    def _store_caught_up(self, state: EndpointState, progress: Progress) -> None:
        """Store the progress if anything was sent, otherwise once per heartbeat."""
        now = time.monotonic()
        has_progress = progress != Progress(cursor=state.cursor)
        if has_progress or now >= self._caught_up_at + self._heartbeat_seconds:
            self._lease.renew(claims.store_progress, progress, is_caught_up=True)
            self._caught_up_at = now
