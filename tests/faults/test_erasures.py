"""Tests of erasures at random under load: nothing of them comes back, and nothing else is gone."""

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine, select

from receiver.callbacks.replay import Replay
from receiver.privacy.erase import UnknownJobError
from receiver.privacy.target import Target
from receiver.reconcile.run import reconcile
from receiver.runtime.deadline import Deadline
from receiver.store.engine import make_engine
from receiver.store.jobs.rebuild import rebuild
from receiver.store.retry import retry_until
from receiver.store.tables import events, transcript_index, transcriptions
from tests.support.callback_events import validated_event
from tests.support.erasures import erase_target, found_places
from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import Profile
from tests.support.faults.sender import Sender, make_sender
from tests.support.faults.workers import WORKER_COUNT, kill_any_worker
from tests.support.reconciling import SILENT
from tests.support.searching import index
from tests.support.server import WebServer
from tests.support.simulator.account import BY_RECORDING, recording
from tests.support.store_events import expected_row, stored_row
from tests.support.world import World, world

# One turn sends some callbacks, and erases one of the jobs.
CALLBACKS_PER_TURN = 5
MAX_CONCURRENT = 16
SHARE_KILLED = 0.1


def address(number: int) -> str:
    """Return the address of the participant of a job, which no other job has."""
    return f"+1999{number:08}"


def conversation(number: int) -> str:
    """Return the conversation of a job."""
    return f"conv_conversation_{number:08}_"


def word(number: int) -> str:
    """Return a word that is said in one job only."""
    return f"parcel{number:08}"


def body(number: int, **members: object) -> bytes:
    """Return a callback with personal values of its own."""
    sentences = [{"audioChannelIndex": 1, "text": f"Where is {word(number)}?"}]
    participants = [{"audioChannelIndex": 1, "name": "Jane", "address": address(number)}]

    return callback(
        number,
        size=0,
        participants=participants,
        conversationId=conversation(number),
        sentences=sentences,
        **members,
    )


@dataclass
class Run:
    """What was sent, and what was erased."""

    sender: Sender
    env: World
    engine: Engine
    count: int = 0  # of callbacks' jobs
    at_twilio: list[str] = field(default_factory=list)  # the ids of the simulator's jobs
    erased: set[int] = field(default_factory=set)
    erased_at_twilio: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def send(self) -> None:
        """Send new callbacks and, of earlier jobs, the same, another or an unusable body."""
        for _ in range(CALLBACKS_PER_TURN):
            sent = [self.sender.send(body(self.count))]
            self.count += 1
            earlier = self.chance.randrange(self.count)
            sent.append(
                self.sender.send(
                    self.chance.choice(
                        [body(earlier), body(earlier, status="RUNNING", language="de-DE")]
                    )
                )
            )
        for each in sent:
            each.result()
        # Nothing says of whom an unusable body is, unless its job is known.
        known = self.chance.choice(self.sender.deliveries)
        if known.is_acknowledged:
            self.sender.send(json.dumps(json.loads(known.body) | {"status": "what"}).encode())

    def erase(self) -> None:
        """Erase one of the jobs by its id, its address or its conversation."""
        number = self.chance.randrange(self.count)
        kind, value = self.chance.choice(
            [
                ("job", job_id(number)),
                ("address", address(number)),
                ("conversation", conversation(number)),
            ]
        )
        if self._erase(Target(kind, value)):  # type: ignore[arg-type]  # one of the kinds
            self.erased.add(number)
            self._assert_not_searched(job_id(number))
        if self.at_twilio and self.chance.random() < 0.5:
            job = self.chance.choice(self.at_twilio)
            if self._erase(Target("job", job)):
                self.erased_at_twilio.add(job)
                self._assert_not_searched(job)

    def _erase(self, target: Target) -> bool:
        try:
            retry_until(Deadline(60), erase_target, self.engine, target)
        except UnknownJobError:
            return False

        return True

    def _assert_not_searched(self, job: str) -> None:
        """Check that the erasure has removed the words itself: indexing would do it later."""
        rows = select(transcript_index.c.id).where(transcript_index.c.job_id == job)
        with self.engine.connect() as connection:
            assert connection.execute(rows).all() == []

    def ask_twilio(self) -> None:
        """Create a job at Twilio, and run a pass of the reconciler."""
        number = len(self.at_twilio)
        self.at_twilio.append(
            self.env.simulator.create({**BY_RECORDING, "sourceId": recording(number)}).id
        )
        self.env.simulator.advance(self.chance.randrange(400))
        reconcile(self.env.context, resubmits=self.chance.random() < 0.3)

    def replay(self) -> None:
        """Validate again what is in quarantine."""
        statement = select(events.c.id).where(events.c.outcome == "quarantined")
        with self.engine.connect() as connection:
            ids = list(connection.scalars(statement))
        again = Replay(self.engine, [], dry_run=False)
        for event_id in ids:
            again(event_id)


@contextmanager
def _indexing(database: str) -> Iterator[None]:
    """Index for the search what changes, as another process does, until the block ends."""
    engine = make_engine(database, pool_size=1)
    has_ended = threading.Event()

    def run() -> None:
        while not has_ended.wait(0.05):
            index(engine)

    with ThreadPoolExecutor() as pool:
        indexing = pool.submit(run)
        try:
            yield
        finally:
            has_ended.set()
            indexing.result()
    engine.dispose()


@contextmanager
def _run(deployment: Deployment) -> Iterator[tuple[Run, WebServer]]:
    engine = make_engine(deployment.database, pool_size=4)
    with (
        deployment.serve(WEB_CONCURRENCY=str(WORKER_COUNT), SEARCH="1") as web,
        world(engine, faults=SILENT) as env,
        make_sender(web, max_concurrent=MAX_CONCURRENT) as sender,
    ):
        yield Run(sender, env, engine), web
    engine.dispose()


def test_erasures_at_random_under_load(deployment: Deployment, profile: Profile) -> None:
    """No value of what was erased is anywhere; each other job is the fold of what was sent."""
    with _run(deployment) as (run, web), _indexing(deployment.database):
        ends_at = time.monotonic() + profile.erasure_seconds
        killed = 0
        while time.monotonic() < ends_at or killed == 0:
            run.send()
            run.erase()
            run.ask_twilio()
            run.replay()
            if killed == 0 or run.chance.random() < SHARE_KILLED:
                kill_any_worker(web)
                killed += 1
        run.sender.wait_for_answers()
        reconcile(run.env.context)
        index(run.engine)
        _assert_erased(run)
        _assert_nothing_else_is_gone(run)
        _assert_nothing_else_is_searched(run)


def _assert_erased(run: Run) -> None:
    assert run.erased
    values = [value(number) for number in run.erased for value in (address, conversation, word)]
    assert found_places(run.engine, values) == []
    with run.engine.connect() as connection:
        rows = connection.execute(
            select(events.c.id).where(
                events.c.job_id.in_(run.erased_at_twilio), events.c.body.is_not(None)
            )
        ).all()
    assert rows == []


def _assert_nothing_else_is_searched(run: Run) -> None:
    """Compare the jobs in the index with those that have a transcript; no erased job has one."""
    with run.engine.connect() as connection:
        indexed = set(connection.scalars(select(transcript_index.c.job_id)))
        spoken = set(
            connection.scalars(
                select(transcriptions.c.id).where(transcriptions.c.transcript_sha256.is_not(None))
            )
        )
    assert indexed
    assert indexed == spoken
    assert not indexed & {*map(job_id, run.erased), *run.erased_at_twilio}


def _assert_nothing_else_is_gone(run: Run) -> None:
    """Compare each job that wasn't erased with what was sent, and with the fold of it."""
    acknowledged = {each.body for each in run.sender.deliveries if each.is_acknowledged}
    for number in set(range(run.count)) - run.erased:
        with run.engine.connect() as connection:
            rows = connection.execute(
                select(events.c.body, events.c.received_at).where(
                    events.c.job_id == job_id(number), events.c.head.is_not(None)
                )
            ).all()
        stored = {bytes(row.body) for row in rows}
        possible = {body(number), body(number, status="RUNNING", language="de-DE")}
        assert possible & acknowledged <= stored <= possible
        if stored:
            sent = [validated_event(bytes(row.body), at=row.received_at) for row in rows]
            assert stored_row(run.engine, job_id(number)) == expected_row(sent)
    with run.engine.connect() as connection:
        jobs = list(connection.scalars(select(transcriptions.c.id)))
    assert rebuild(run.engine, jobs) == []
