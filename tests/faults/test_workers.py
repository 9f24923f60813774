"""Tests of workers that are killed or terminated while they process callbacks."""

from contextlib import ExitStack

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import stored_bodies
from tests.support.faults.profiles import DIRECT_AND_POOLED, POOLED_IN_LONG_PROFILE, Profile
from tests.support.faults.proxy import proxy
from tests.support.faults.sender import NoAnswer, load, make_sender
from tests.support.faults.workers import WORKER_COUNT, kill_any_worker, workers
from tests.support.server import (
    read_response,
)
from tests.support.waiting import wait_until

# Enough load that a worker is always processing callbacks when it ends. A slow machine couldn't
# keep up with more concurrent callbacks.
CALLBACKS_PER_SECOND = 200
MAX_CONCURRENT = 16


@DIRECT_AND_POOLED
def test_worker_killed_between_commit_and_answer(deployment: Deployment) -> None:
    """A callback that was committed and not answered is sent again and stored once."""
    with proxy(deployment.port) as proxy_server:
        deployment.use_port(proxy_server.port)
        with deployment.serve() as web, make_sender(web) as sender:
            sender.burst([callback(0)])  # opens a connection that doesn't wait for an answer
            proxy_server.block_answers()
            sender.send(callback(1))
            wait_until(lambda: callback(1) in stored_bodies(deployment.database))
            [worker] = workers(web)
            worker.kill()
            proxy_server.resume_traffic()
    assert sender.deliveries[1].answers == [NoAnswer.CONNECTION_LOST, 204]
    with deployment.connect() as connection:
        rows = connection.execute("SELECT outcome, deliveries FROM events ORDER BY id").fetchall()
        jobs = connection.execute("SELECT id FROM transcriptions ORDER BY id").fetchall()
    assert rows == [("applied", 1), ("applied", 2)]
    assert jobs == [(job_id(0),), (job_id(1),)]
    deployment.check_stored(
        "a worker killed between commit and answer", sender.deliveries, all_stored=True
    )


def count_lock_waits(deployment: Deployment) -> int:
    """Return the number of statements that wait for a lock."""
    with deployment.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()

    return int(row[0]) if row else 0


@POOLED_IN_LONG_PROFILE
def test_worker_killed_during_a_statement(deployment: Deployment) -> None:
    """A callback whose statement was interrupted by a kill is sent again and stored once."""
    with deployment.serve() as web, make_sender(web) as sender:
        sender.burst([callback(0)])
        with deployment.connect() as locking_connection, locking_connection.transaction():
            locking_connection.execute("SELECT FROM transcriptions FOR UPDATE")
            for number in range(1, 5):
                sender.send(callback(number, id=job_id(0)))
            # A statement waits for a quarter of a second, and is tried again and again.
            wait_until(lambda: count_lock_waits(deployment) > 0)
            [worker] = workers(web)
            worker.kill()
    assert {tuple(each.answers) for each in sender.deliveries[1:]} == {
        (NoAnswer.CONNECTION_LOST, 204)
    }
    deployment.check_stored(
        "a worker killed during a statement", sender.deliveries, all_stored=True
    )


@POOLED_IN_LONG_PROFILE
def test_random_kills_under_load_lose_nothing(deployment: Deployment, profile: Profile) -> None:
    """Workers that are killed at random under load lose no acknowledged callback."""
    with (
        deployment.serve(WEB_CONCURRENCY=str(WORKER_COUNT)) as web,
        load(web, CALLBACKS_PER_SECOND, max_concurrent=MAX_CONCURRENT) as sender,
    ):
        for _ in range(profile.kill_count):
            sender.wait_for(10)
            kill_any_worker(web)
        sender.wait_for(10)
    deployment.check_stored(f"{profile.kill_count} workers killed with -9", sender.deliveries)


def test_sigterm_finishes_current_requests(deployment: Deployment) -> None:
    """A callback whose body is arriving at SIGTERM is stored and answered before the exit."""
    body = callback(0)
    with deployment.serve() as web, web.connect() as connection:
        connection.sendall(web.head_of_call(body) + body[:100])
        # The application has the request once a later request is answered.
        assert web.get("/healthz").status_code == 200
        web.terminate()
        connection.sendall(body[100:])
        assert read_response(connection).startswith(b"HTTP/1.1 204")
        assert web.child.process.wait(20) == 0
    assert stored_bodies(deployment.database) == [body]


@POOLED_IN_LONG_PROFILE
def test_releases_under_load_lose_nothing(deployment: Deployment, profile: Profile) -> None:
    """Each release under load answers its callbacks, and later ones reach the next release."""
    with ExitStack() as stack:
        web = stack.enter_context(deployment.serve())
        with load(web, CALLBACKS_PER_SECOND, max_concurrent=MAX_CONCURRENT) as sender:
            for _ in range(profile.release_count):
                sender.wait_for(CALLBACKS_PER_SECOND)
                web.terminate()
                assert web.child.process.wait(20) == 0
                web = stack.enter_context(deployment.serve(PORT=str(web.port)))
            sender.wait_for(CALLBACKS_PER_SECOND)
    # Each callback that reached a worker was answered, so no recorded callback was sent again.
    with deployment.connect() as connection:
        deliveries = connection.execute("SELECT DISTINCT deliveries FROM events").fetchall()
    assert deliveries == [(1,)]
    deployment.check_stored(
        f"{profile.release_count} releases under load (SIGTERM)", sender.deliveries
    )
