"""The service's own processes are killed, or asked to end, while callbacks are in their hands."""

from contextlib import ExitStack

from tests.support.faults.callbacks import callback, job_id
from tests.support.faults.deployment import Deployment
from tests.support.faults.figures import ledger
from tests.support.faults.forms import BOTH_WAYS, BOTH_WAYS_AT_LENGTH, Form
from tests.support.faults.proxy import proxy
from tests.support.faults.sender import NoAnswerError, calling, load
from tests.support.faults.workers import THREE, kill_one_of_three, workers
from tests.support.server import read_response, wait_until

# Callbacks per second, so many that a worker has some in its hands whenever it goes; and how many
# may be on their way, or a slow machine would fall behind for ever.
BUSY = 200
AT_ONCE = 16


@BOTH_WAYS
def test_a_worker_is_killed_between_commit_and_answer(deployment: Deployment) -> None:
    """The sender knows nothing of the commit and sends again: it is the same callback still."""
    with proxy(deployment.port) as between:
        deployment.reach_through(between.port)
        with deployment.serve() as web, calling(web) as sender:
            sender.burst([callback(0)])  # there is a connection, of which nobody waits for words
            between.hold_answers()
            sender.send(callback(1))
            wait_until(lambda: callback(1) in ledger(deployment.database))
            [worker] = workers(web)
            worker.kill()
            between.speak()
    assert sender.deliveries[1].answers == [NoAnswerError.LOST, 204]
    with deployment.connect() as connection:
        rows = connection.execute("SELECT outcome, deliveries FROM events ORDER BY id").fetchall()
        jobs = connection.execute("SELECT id FROM transcriptions ORDER BY id").fetchall()
    assert rows == [("applied", 1), ("applied", 2)]
    assert jobs == [(job_id(0),), (job_id(1),)]
    deployment.settle(
        "a worker killed between commit and answer", sender.deliveries, everything=True
    )


def waiting_for_the_row(deployment: Deployment) -> int:
    """Return how many statements wait for a lock."""
    with deployment.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()

    return int(row[0]) if row else 0


@BOTH_WAYS_AT_LENGTH
def test_a_worker_is_killed_in_the_middle_of_a_statement(deployment: Deployment) -> None:
    """Whether its statement was done or not: what is sent again is stored once."""
    with deployment.serve() as web, calling(web) as sender:
        sender.burst([callback(0)])
        with deployment.connect() as holder, holder.transaction():
            holder.execute("SELECT FROM transcriptions FOR UPDATE")
            for number in range(1, 5):
                sender.send(callback(number, id=job_id(0)))
            # The first, and those behind it together.
            wait_until(lambda: waiting_for_the_row(deployment) == 2)
            [worker] = workers(web)
            worker.kill()
    assert {tuple(each.answers) for each in sender.deliveries[1:]} == {(NoAnswerError.LOST, 204)}
    deployment.settle(
        "a worker killed in the middle of a statement", sender.deliveries, everything=True
    )


@BOTH_WAYS_AT_LENGTH
def test_random_workers_are_killed_under_load(deployment: Deployment, form: Form) -> None:
    """Whatever each was doing when it went, nothing that was acknowledged is missing."""
    with (
        deployment.serve(WEB_CONCURRENCY=str(THREE)) as web,
        load(web, BUSY, at_once=AT_ONCE) as sender,
    ):
        for _ in range(form.kills):
            sender.wait_for(10)
            kill_one_of_three(web)
        sender.wait_for(10)
    deployment.settle(f"{form.kills} workers killed with -9", sender.deliveries)


def test_sigterm_finishes_what_is_in_flight(deployment: Deployment) -> None:
    """A callback whose body is on its way is stored and answered before the process ends."""
    body = callback(0)
    with deployment.serve() as web, web.connect() as connection:
        connection.sendall(web.head_of_call(body) + body[:100])
        # It is in the application's hands once another request, sent later, is answered.
        assert web.get("/healthz").status_code == 200
        web.terminate()
        connection.sendall(body[100:])
        assert read_response(connection).startswith(b"HTTP/1.1 204")
        assert web.child.process.wait(20) == 0
    assert ledger(deployment.database) == [body]


@BOTH_WAYS_AT_LENGTH
def test_sigterm_under_load(deployment: Deployment, form: Form) -> None:
    """What was in flight is answered; what comes later finds the next release on the port.

    A connection that no worker had accepted yet is reset when the port is closed, or refused after:
    Twilio tries both again.
    """
    with ExitStack() as running:
        web = running.enter_context(deployment.serve())
        with load(web, BUSY, at_once=AT_ONCE) as sender:
            for _ in range(form.releases):
                sender.wait_for(BUSY)
                web.terminate()
                assert web.child.process.wait(20) == 0
                web = running.enter_context(deployment.serve(PORT=str(web.port)))
            sender.wait_for(BUSY)
    # What had reached a worker was answered: nobody had to send again what was recorded.
    with deployment.connect() as connection:
        deliveries = connection.execute("SELECT DISTINCT deliveries FROM events").fetchall()
    assert deliveries == [(1,)]
    deployment.settle(f"{form.releases} releases under load (SIGTERM)", sender.deliveries)
