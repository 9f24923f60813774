"""A Twilio with a manual clock, a store, and the reconciler's context between them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from receiver.reconcile.context import ReconcileContext
from receiver.simulator.server import serve
from receiver.simulator.simulator import Simulator
from receiver.store.tables import transcriptions
from receiver.twilio.client import Twilio, TwilioResponse
from receiver.twilio.transport import rest_client
from tests.support.environment import TOKEN
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import BY_RECORDING, CALLED_BACK_ONLY, recording, simulated
from tests.support.simulator.manual_clock import ManualClock

Mishap = Callable[[str], None]


def _no_mishap(_path: str) -> None:
    pass


class RecordingTwilio(Twilio):
    """A Twilio client that records its requests; a mishap may raise in place of a response."""

    def __init__(self, url: str) -> None:
        super().__init__(rest_client((ACCOUNT, TOKEN), base_url=url, deadline=None))
        self.asked: list[str] = []
        self.mishap: Mishap = _no_mishap

    def _call(self, method: str, url: str, **arguments: Any) -> TwilioResponse:
        path = "/" + url.split("/", 3)[3]
        query = arguments.get("params") or {}
        self.asked.append(" ".join([method, path, *sorted(query.values())]))
        self.mishap(path)

        return super()._call(method, url, **arguments)

    def fetched(self) -> list[str]:
        """Return the ids of the fetched jobs, in their order."""
        start = "GET /v3/Transcriptions/"

        return [line.removeprefix(start) for line in self.asked if line.startswith(start)]


@dataclass(kw_only=True)
class World:
    """The simulator, its client, and the context of a reconciler."""

    simulator: Simulator
    rest: RecordingTwilio
    context: ReconcileContext
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def create(self, count: int = 1, *, stored: bool = True) -> list[str]:
        """Create jobs at Twilio that this service didn't submit; return their ids."""
        request = BY_RECORDING if stored else CALLED_BACK_ONLY

        return [
            self.simulator.create({**request, "sourceId": recording(next(self.numbers))}).id
            for _ in range(count)
        ]

    def with_grace(self, seconds: float) -> ReconcileContext:
        """Return a context that waits longer for callbacks."""
        return replace(self.context, grace=timedelta(seconds=seconds))

    def statuses(self) -> dict[str, str]:
        """Return the status of every job in the store."""
        statement = select(transcriptions.c.id, transcriptions.c.status)
        with self.context.engine.connect() as connection:
            return {row.id: row.status for row in connection.execute(statement)}


@contextmanager
def world(engine: Engine, **options: Any) -> Iterator[World]:
    """Yield a world whose Twilio clock starts now."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
    with serve(simulated(clock=clock, **options)) as served, RecordingTwilio(served.url) as rest:
        context = ReconcileContext(
            engine=engine,
            twilio=rest,
            account_id=ACCOUNT,
            grace=timedelta(0),
            clock=clock.now,
        )
        yield World(simulator=served.simulator, rest=rest, context=context)
