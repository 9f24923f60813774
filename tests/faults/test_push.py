"""Tests of push with processes that are killed and stalled, and a database that falls silent."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from dev.process import Child
from tests.support.command_process import command_process
from tests.support.environment import ENVIRON, open_engine
from tests.support.faults.deployment import Deployment
from tests.support.faults.profiles import DIRECT_AND_POOLED, LONG_ONLY, Profile
from tests.support.faults.proxy import proxy
from tests.support.push_receiver import PushReceiver, Reply, serve_push_receiver
from tests.support.pushing import end_leases, end_pauses, find_state
from tests.support.waiting import wait_until
from tests.support.writers import versions, write

ORDERS = "orders"
JOB_COUNT = 10
WRITES_PER_SECOND = 50
PROCESS_COUNT = 2
# How many messages arrive between two faults.
MESSAGES_PER_TURN = 5
MAX_SECONDS = 60


@contextmanager
def _pushing(deployment: Deployment, receiver: PushReceiver, log: Path) -> Iterator[Child]:
    environ = {**ENVIRON, "DATABASE_URL": deployment.service_url, **receiver.environ()}
    with command_process(environ, log, "push", "--forever") as child:
        yield child


@contextmanager
def _changing_jobs(deployment: Deployment) -> Iterator[None]:
    """Change jobs at random until the block ends; a job's duration is its version."""
    stopping = threading.Event()

    def change() -> None:
        with deployment.connect() as session:
            version = 0
            while not stopping.wait(1 / WRITES_PER_SECOND):
                version += 1
                write(session, f"job{random.randrange(JOB_COUNT)}", version)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@LONG_ONLY
@DIRECT_AND_POOLED
def test_killed_and_stalled_processes_lose_nothing(
    deployment: Deployment, profile: Profile, tmp_path: Path
) -> None:
    """A receiver that keeps each job's highest sequence ends with every newest state.

    Of two processes, one after the other is killed or stalled while jobs change, and messages are
    lost. The same holds through PgBouncer.
    """
    with (
        serve_push_receiver() as receiver,
        open_engine(deployment.database) as engine,
        ExitStack() as stack,
    ):

        def start() -> Child:
            log = tmp_path / f"push-{time.monotonic_ns()}.log"
            return stack.enter_context(_pushing(deployment, receiver, log))

        def wait_for_messages() -> None:
            """Wait for some messages; leases and pauses end in the meantime."""
            count = len(receiver.attempts) + MESSAGES_PER_TURN

            def have_arrived() -> bool:
                end_leases(engine)
                end_pauses(engine)
                with receiver.changed:
                    return receiver.changed.wait_for(lambda: len(receiver.attempts) >= count, 0.5)

            wait_until(have_arrived)

        children = [start() for _ in range(PROCESS_COUNT)]
        wait_until(lambda: find_state(engine, ORDERS) is not None)
        with _changing_jobs(deployment):
            for _ in range(profile.kill_count):
                wait_for_messages()
                time.sleep(random.uniform(0, 0.05))
                child = children.pop(0)
                if random.random() < 0.5:
                    child.process.kill()
                    children.append(start())
                else:
                    child.process.send_signal(signal.SIGSTOP)
                    wait_for_messages()
                    child.process.send_signal(signal.SIGCONT)
                    children.append(child)
                receiver.replies.append(Reply(drops=True))

        with psycopg.connect(deployment.database, autocommit=True) as session:

            def has_everything() -> bool:
                end_leases(engine)
                end_pauses(engine)
                kept = {job: each["data"]["duration"] for job, each in receiver.jobs.items()}
                return kept == versions(session)

            wait_until(has_everything)
    assert receiver.errors == []


@LONG_ONLY
def test_sigterm_ends_a_process_whose_database_is_silent(
    deployment: Deployment, tmp_path: Path
) -> None:
    """The process ends at SIGTERM although its database doesn't answer."""
    with serve_push_receiver() as receiver, proxy(deployment.port) as between:
        deployment.use_port(between.port)
        with (
            open_engine(deployment.database) as engine,
            _pushing(deployment, receiver, tmp_path / "log") as child,
        ):
            wait_until(lambda: find_state(engine, ORDERS) is not None)
            between.block()
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(MAX_SECONDS) == 0
