"""Pushers for tests, and an endpoint that answers as the test says, without a network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from receiver.push.message import Message
from receiver.push.pusher import Pusher
from receiver.push.sender import AttemptOutcome, AttemptResult
from receiver.store.jobs.read import Row
from receiver.store.push.endpoints import EndpointState, find_endpoint

NAME = "crm"
DELIVERED = AttemptResult(AttemptOutcome.DELIVERED)
FAILED = AttemptResult(AttemptOutcome.FAILED, "answered 503")
GONE = AttemptResult(AttemptOutcome.GONE, "answered 410")


class Received(NamedTuple):
    """A message: the job, its status, and the message's number."""

    job: str
    status: str
    sequence: int


@dataclass
class Endpoint:
    """Returns the results in turn, then delivers; `before_answer` is called for each message."""

    results: Iterator[AttemptResult] = field(default_factory=lambda: repeat(DELIVERED))
    received: list[Received] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None

    def answers(self, *results: AttemptResult) -> None:
        """Set the results from now on."""
        self.results = chain(results, repeat(DELIVERED))

    def jobs(self) -> list[str]:
        """Return the jobs of all messages, and forget these."""
        jobs = [each.job for each in self.received]
        self.received.clear()

        return jobs

    def pusher(self, engine: Engine, *, name: str = NAME, **options: Any) -> Pusher:
        """Return a new process's pusher, which stores each time that it looks."""
        received: list[Received] = []

        def make(job: Row, *, history: str, sequence: int) -> Message:
            received.append(Received(job["id"], job["status"], sequence))
            return Message(history, b"")

        def send(_message: Message) -> AttemptResult:
            self.received.append(received[-1])
            self.before_answer()
            return next(self.results)

        settings: dict[str, Any] = {"heartbeat_seconds": 0.0, "is_stopping": lambda: False}

        return Pusher(engine, name, make=make, send=send, **(settings | options))


def find_state(engine: Engine, name: str = NAME) -> EndpointState | None:
    """Return what is stored of the endpoint, None if it was never started."""
    with engine.connect() as connection:
        return find_endpoint(connection, name)


def state_of(engine: Engine, name: str = NAME) -> EndpointState:
    """Return what is stored of the endpoint, which was started."""
    state = find_state(engine, name)
    assert state

    return state


def end_leases(engine: Engine) -> None:
    """Let all leases end now."""
    _execute(engine, "UPDATE push_endpoints SET claimed_until = now() WHERE claim IS NOT NULL")


def end_pauses(engine: Engine) -> None:
    """Let all retries be due now."""
    _execute(engine, "UPDATE push_endpoints SET retry_at = now() WHERE retry_at IS NOT NULL")


def _execute(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement))
