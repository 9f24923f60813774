"""Keeping refused requests beside the work of a worker, which comes first."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from receiver.bounded import limited
from receiver.fault import place_of
from receiver.ingest.body import Intake
from receiver.rejected.budget import Bucket, Pauses
from receiver.rejected.look import may_look_like_one, rejected_request
from receiver.rejected.missed import Missed, Why
from receiver.store.rejected import Full, RejectedRequest, Rooms, keep_rejected

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

# What a worker spends on it: a request of 8 kB takes some 5 ms, most of them at the database. So
# this is a twentieth of its time, and what a flood has more is refused unread. The burst is for the
# jobs that end at once on the day on which the settings are wrong.
REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 10.0, 200.0
BYTES_PER_SECOND, BYTES_AT_ONCE = 1.0 * 1024 * 1024, 16.0 * 1024 * 1024
# In seconds. Twilio's answer doesn't wait longer for it than both together.
READ_SECONDS = 3.0
WRITE_SECONDS = 2.0
# How long the database isn't asked again once it was full, or failed.
PAUSE_SECONDS = 5.0

# The names of pauses; an account's own is its id, which is never empty and has no blank.
_ALL_OTHERS = ""
_DATABASE = "the database"


class _NotKept(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Keeper:
    """What keeps the refused requests of one worker."""

    def __init__(self, engine: Engine, intake: Intake, rooms: Rooms) -> None:
        self._engine = engine
        self._intake = intake
        self._rooms = rooms
        self._requests = Bucket(rate=REQUESTS_PER_SECOND, burst=REQUESTS_AT_ONCE)
        self._bytes = Bucket(rate=BYTES_PER_SECOND, burst=BYTES_AT_ONCE)
        self._pauses = Pauses(PAUSE_SECONDS)
        # One at a time, so that the pool's other connections are there for what is signed.
        self._connection = threading.Lock()
        self._missed = Missed(engine)

    def keep(self, reason: str, environ: "WSGIEnvironment") -> int | None:
        """Return the number under which a refused request is kept, None if it is not.

        It raises nothing: the request is refused all the same.
        """
        try:
            if not may_look_like_one(reason, environ):
                return None
            with self._looked_at(reason, environ) as request:
                return self._write(request) if request else None
        except _NotKept as missed:
            self._missed.count(missed.why)
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here changes the answer
            logger.warning("keeping a refused request failed: %s", place_of(error))

        return None

    @contextmanager
    def _looked_at(
        self, reason: str, environ: "WSGIEnvironment"
    ) -> Iterator[RejectedRequest | None]:
        """Read the body, and hold its memory until the end."""
        if not (self._requests.has_any() and self._bytes.has_any()):
            raise _NotKept("unread")
        self._requests.spend(1)
        with ExitStack() as held:
            try:
                with limited(READ_SECONDS):
                    body = held.enter_context(self._intake.refused(environ))
            except Exception as error:
                raise _NotKept("unread") from error
            self._bytes.spend(len(body))
            yield rejected_request(reason, environ, body, datetime.now(UTC))

    def _write(self, request: RejectedRequest) -> int:
        shared = () if request.account_id in self._rooms.own else (_ALL_OTHERS,)
        if any(map(self._pauses.holds, (request.account_id, *shared))):
            raise _NotKept("full")
        if self._pauses.holds(_DATABASE):
            raise _NotKept("database")
        try:
            with limited(WRITE_SECONDS), self._connection:
                return keep_rejected(self._engine, request, self._rooms)
        except Full as full:
            self._pauses.begin(full.account or _ALL_OTHERS)
            raise _NotKept("full") from full
        except Exception as error:
            self._pauses.begin(_DATABASE)
            logger.warning("a refused request wasn't kept: %s", place_of(error))
            raise _NotKept("database") from error
