"""Tests of the law of push: whatever happens, a receiver ends with each job's newest state."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from receiver.push.lease import ClaimLostError
from receiver.push.message import Message
from receiver.push.pusher import Pusher
from receiver.push.sender import AttemptResult
from receiver.store.jobs.read import Row
from receiver.store.push.operator import resume, rewind
from tests.support.pushing import DELIVERED, FAILED, GONE, NAME, end_leases, end_pauses
from tests.support.writers import Session, be_stranger, write

JOBS = ("a", "b", "c")
# Written by the session whose transactions stay open.
SLOW_JOBS = ("d", "e")

# What happens at one step of a pusher. The pusher goes on after it, unless it was killed.
_EVENTS = (
    *("go", "go", "kill", "fail", "gone", "lose", "overtake", "overtake"),
    *("commit", "stranger", "resume", "rewind"),
    *(f"write {job}" for job in (*JOBS, *SLOW_JOBS)),
)


class _KilledError(BaseException):
    """The process was killed."""


class _World:
    """A receiver, jobs that change, and pushers, of which one runs at a time."""

    def __init__(self, engine: Engine, slow: Session, events: list[str]) -> None:
        self.engine = engine
        self._slow = slow
        self._events = deque(events)
        self._version = 0
        self._result = DELIVERED
        self._is_lost = False
        # What the receiver keeps of each job: the highest sequence, and the version with it.
        self.kept: dict[str, tuple[int, int]] = {}

    def run(self) -> None:
        """Let a new process send what is due, until it has nothing to do or is killed."""
        with suppress(ClaimLostError, _KilledError):
            self._pusher().push_due()

    def run_all(self) -> None:
        """Let one process after the other send, until all events have happened."""
        while self._events:
            with suppress(_KilledError):
                self.step()
            self.run()

    def step(self) -> None:
        """Let the next event happen."""
        match (self._events.popleft() if self._events else "go").split():
            case ["kill"]:
                raise _KilledError
            case ["fail"]:
                self._result = FAILED
            case ["gone"]:
                self._result = GONE
            case ["lose"]:  # the request, or its answer
                self._result, self._is_lost = FAILED, True
            case ["overtake"]:
                end_leases(self.engine)
                end_pauses(self.engine)
                self.run()
            case ["commit"]:
                self._slow.commit()
            case ["stranger"]:
                be_stranger(self._slow)
            case ["resume" | "rewind" as name]:
                with self.engine.connect() as connection:
                    (resume if name == "resume" else rewind)(connection, NAME)
            case ["write", job]:
                self._write(job)

    def finish(self) -> None:
        """End all that is in the way, and let a process send the rest."""
        self._result, self._is_lost = DELIVERED, False
        self._slow.commit()
        end_leases(self.engine)
        with self.engine.connect() as connection:
            resume(connection, NAME)
        self.run()

    def newest(self) -> dict[str, int]:
        """Return the committed version of each job."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT id, duration FROM transcriptions")
            return {row.id: row.duration for row in rows}

    def _write(self, job: str) -> None:
        self._version += 1
        if job in SLOW_JOBS:
            write(self._slow, job, self._version)
            return
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            write(driver, job, self._version)

    def _pusher(self) -> Pusher:
        made: list[tuple[str, int, int]] = []

        def make(job: Row, *, history: str, sequence: int) -> Message:
            made.append((job["id"], sequence, job["duration"]))
            self.step()
            return Message(history, b"")

        def send(_message: Message) -> AttemptResult:
            [(job, sequence, version)] = made
            made.clear()
            self.step()
            (result, self._result), (is_lost, self._is_lost) = (
                (self._result, DELIVERED),
                (self._is_lost, False),
            )
            if not is_lost and sequence > self.kept.get(job, (0, 0))[0]:
                self.kept[job] = sequence, version
            self.step()
            return result

        def is_stopping() -> bool:
            self.step()
            return False

        return Pusher(
            self.engine,
            NAME,
            make=make,
            send=send,
            is_stopping=is_stopping,
            heartbeat_seconds=0.0,
        )


@pytest.fixture
def slow(migrated: str) -> Iterator[Session]:
    """Yield the session whose transactions stay open."""
    with psycopg.connect(migrated) as session:
        yield session


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_EVENTS), max_size=25))
def test_receiver_ends_with_the_newest_state(
    engine: Engine, slow: Session, events: list[str]
) -> None:
    """A receiver that keeps the highest sequence of each job ends with each job's newest state.

    Jobs change, attempts fail or are lost, processes are killed, stalled and overtaken at each
    step, and an operator resumes and rewinds the endpoint.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM transcriptions")
        connection.exec_driver_sql("DELETE FROM push_endpoints")
    world = _World(engine, slow, [])
    world.run()
    world = _World(engine, slow, events)
    world.run_all()
    world.finish()
    newest = world.newest()
    assert {job: version for job, (_, version) in world.kept.items()} == newest
