"""Keeping refused requests beside the work of a worker, which comes first."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from receiver.bodies.reader import BodyReader
from receiver.rejected.budget import Bucket, Metered, Pauses
from receiver.rejected.candidate import may_be_callback, rejected_request
from receiver.rejected.not_kept import NotKeptCounts, NotKeptError
from receiver.runtime import deadline
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import time_limit
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import QuotaExceededError, RejectedRequest, store_rejected

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

# What a worker spends on it: a request of 8 kB takes some 5 ms, most of them at the database. So
# this is a twentieth of its time, and what a flood has more is refused unread. The burst is for the
# jobs that end at once on the day on which the settings are wrong.
REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 10.0, 200.0
BYTES_PER_SECOND, BYTES_AT_ONCE = 512.0 * 1024, 8.0 * 1024 * 1024
# In seconds. Between the two a burst waits for its turn, each request as long as its deadline lets
# it: of the rest it needs a moment for its answer.
READ_SECONDS = 3.0
WRITE_SECONDS = 2.0
ANSWER_SECONDS = 0.5
# How long the database isn't asked again once a quota was used up, or it failed.
PAUSE_SECONDS = 5.0

# The names of pauses; an account's own is its id, which is never empty and has no blank.
_ALL_OTHERS = ""
_DATABASE = "the database"


class RejectedStore:
    """Where one worker puts what it refuses and may be a callback."""

    def __init__(self, engine: Engine, body_reader: BodyReader, quotas: Quotas) -> None:
        self._engine = engine
        self._body_reader = body_reader
        self._quotas = quotas
        self._requests = Bucket(rate=REQUESTS_PER_SECOND, burst=REQUESTS_AT_ONCE)
        self._bytes = Bucket(rate=BYTES_PER_SECOND, burst=BYTES_AT_ONCE)
        self._pauses = Pauses(PAUSE_SECONDS)
        # One at a time, so that the pool's other connections are there for what is signed.
        self._connection = threading.Lock()
        self._not_kept = NotKeptCounts(engine, self._connection)

    def flush(self) -> None:
        """Write the counts of what was not kept: the process is about to end."""
        self._not_kept.flush()

    def put(self, reason: str, environ: "WSGIEnvironment") -> int | None:
        """Return the number under which a refused request is kept, None if it is not.

        It raises nothing: the request is refused all the same.
        """
        try:
            if not may_be_callback(reason, environ):
                return None
            with self._read(reason, environ) as request:
                return self._write(request, deadline.of(environ)) if request else None
        except NotKeptError as error:
            self._not_kept.add(error.reason)
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here changes the answer
            logger.warning("keeping a refused request failed: %s", locate(error))

        return None

    @contextmanager
    def _read(self, reason: str, environ: "WSGIEnvironment") -> Iterator[RejectedRequest | None]:
        """Read the body, and hold its memory until the end."""
        if not (self._requests.has_any() and self._bytes.has_any()):
            raise NotKeptError("unread")
        self._requests.spend(1)
        metered = {**environ, "wsgi.input": Metered(environ["wsgi.input"], self._bytes)}
        with ExitStack() as held:
            try:
                with time_limit(READ_SECONDS):
                    body = held.enter_context(self._body_reader.read_rejected(metered))
            except Exception as error:
                raise NotKeptError("unread") from error
            yield rejected_request(reason, environ, body, datetime.now(UTC))

    def _write(self, request: RejectedRequest, until: Deadline) -> int:
        with self._turn(until.remaining() - WRITE_SECONDS - ANSWER_SECONDS):
            self._heed_pauses(request.account_id)
            try:
                with time_limit(WRITE_SECONDS):
                    return store_rejected(self._engine, request, self._quotas)
            except QuotaExceededError as full:
                self._pauses.begin(full.account or _ALL_OTHERS)
                raise NotKeptError("full") from full
            except Exception as error:
                self._pauses.begin(_DATABASE)
                logger.warning("a refused request wasn't kept: %s", locate(error))
                raise NotKeptError("database") from error

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[None]:
        """Hold the connection, after so many seconds at the latest.

        To wait for others of ours says nothing about the database, so no pause comes of it.
        """
        if not self._connection.acquire(timeout=max(0.0, seconds)):
            raise NotKeptError("late")
        try:
            yield
        finally:
            self._connection.release()

    def _heed_pauses(self, account: str) -> None:
        shared = () if account in self._quotas.own else (_ALL_OTHERS,)
        if any(map(self._pauses.holds, (account, *shared))):
            raise NotKeptError("full")
        if self._pauses.holds(_DATABASE):
            raise NotKeptError("database")
