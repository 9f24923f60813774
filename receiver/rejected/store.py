"""Stores rejected requests that may be callbacks, without delaying a worker's other requests."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from receiver.bodies.reader import BodyReader
from receiver.rejected.budget import Cooldowns, MeteredStream, TokenBucket
from receiver.rejected.candidate import may_be_callback, to_rejected_request
from receiver.rejected.dropped import BATCH_DELAY_SECONDS, DroppedCounts, DroppedError
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import time_limit
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import QuotaExceededError, RejectedRequest, store_rejected

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

# Between reading and writing, a request waits for the connection, until its deadline leaves just
# enough time to write and to respond.
READ_TIMEOUT_SECONDS = 3.0
WRITE_TIMEOUT_SECONDS = 2.0
RESPONSE_SECONDS = 0.5

# The names of cooldowns. The name of an account's cooldown is its id, which is not empty and
# contains no blank.
_ALL_OTHERS = ""
_DATABASE = "the database"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """The limits of one worker.

    A request of 8 kB takes about 5 ms, mostly in the database, so the rates are a twentieth of the
    worker's time. Excess requests are dropped unread. The burst is for many jobs that end at once
    while a setting is wrong.
    """

    requests_per_second: float = 10.0
    requests_burst: float = 200.0
    bytes_per_second: float = 512.0 * 1024
    bytes_burst: float = 8.0 * 1024 * 1024
    # How long the database isn't used after a quota was used up, or after it failed.
    cooldown_seconds: float = 5.0
    # How long counts of dropped requests are collected before they are written.
    batch_delay_seconds: float = BATCH_DELAY_SECONDS


DEFAULT_LIMITS = WorkerLimits()


class RejectedStore:
    """Stores the rejected requests of one worker."""

    def __init__(
        self,
        engine: Engine,
        body_reader: BodyReader,
        quotas: Quotas,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        limits: WorkerLimits = DEFAULT_LIMITS,
    ) -> None:
        self._engine = engine
        self._body_reader = body_reader
        self._quotas = quotas
        self._read_timeout_seconds = read_timeout_seconds
        self._requests = TokenBucket(rate=limits.requests_per_second, burst=limits.requests_burst)
        self._bytes = TokenBucket(rate=limits.bytes_per_second, burst=limits.bytes_burst)
        self._cooldowns = Cooldowns(limits.cooldown_seconds)
        # Only one connection is used, so that the pool's others are free for signed requests.
        self._connection = threading.Lock()
        self._dropped = DroppedCounts(
            engine, self._connection, batch_delay_seconds=limits.batch_delay_seconds
        )

    def flush(self) -> None:
        """Write the counts of dropped requests, before the process ends."""
        self._dropped.flush()

    def put(self, reason: str, environ: "WSGIEnvironment") -> int | None:
        """Store a request that was rejected for `reason`; return its id, None if it isn't stored.

        Nothing is stored of an erased job, and that isn't counted as dropped: it isn't wanted. It
        never raises: the response is the same either way.
        """
        try:
            if not may_be_callback(reason, environ):
                return None
            with self._read(reason, environ) as request:
                return self._write(request, request_deadline(environ)) if request else None
        except DroppedError as error:
            self._dropped.add(error.reason)
        except Exception as error:  # noqa: BLE001 - no error here may change the response
            logger.warning("storing a rejected request failed: %s", locate(error))

        return None

    @contextmanager
    def _read(self, reason: str, environ: "WSGIEnvironment") -> Iterator[RejectedRequest | None]:
        """Yield the request with its body, and hold the body's memory until the block ends.

        The request is None if the body isn't a callback. Raises DroppedError.
        """
        if not (self._requests.has_tokens() and self._bytes.has_tokens()):
            raise DroppedError("unread")
        self._requests.spend(1)
        metered = {**environ, "wsgi.input": MeteredStream(environ["wsgi.input"], self._bytes)}
        with ExitStack() as reservation:
            try:
                with time_limit(self._read_timeout_seconds):
                    body = reservation.enter_context(self._body_reader.read_rejected(metered))
            except Exception as error:
                raise DroppedError("unread") from error
            yield to_rejected_request(reason, environ, body, datetime.now(UTC))

    def _write(self, request: RejectedRequest, deadline: Deadline) -> int | None:
        with self._hold_connection(deadline.remaining() - WRITE_TIMEOUT_SECONDS - RESPONSE_SECONDS):
            # Only now: they may have started while this request waited.
            self._check_cooldowns(request.account_id)
            try:
                with time_limit(WRITE_TIMEOUT_SECONDS):
                    return store_rejected(self._engine, request, self._quotas)
            except QuotaExceededError as full:
                self._cooldowns.start(full.account or _ALL_OTHERS)
                raise DroppedError("full") from full
            except Exception as error:
                self._cooldowns.start(_DATABASE)
                logger.warning("a rejected request was not stored: %s", locate(error))
                raise DroppedError("database") from error

    @contextmanager
    def _hold_connection(self, timeout_seconds: float) -> Iterator[None]:
        """Hold the connection until the block ends; raise DroppedError after the timeout.

        The wait is for this worker's other requests, not for the database. So it starts no
        cooldown.
        """
        if not self._connection.acquire(timeout=max(0.0, timeout_seconds)):
            raise DroppedError("late")
        try:
            yield
        finally:
            self._connection.release()

    def _check_cooldowns(self, account: str) -> None:
        """Raise DroppedError while the database must not be used for the account's requests."""
        shared = () if account in self._quotas.own else (_ALL_OTHERS,)
        if any(map(self._cooldowns.is_active, (account, *shared))):
            raise DroppedError("full")
        if self._cooldowns.is_active(_DATABASE):
            raise DroppedError("database")
