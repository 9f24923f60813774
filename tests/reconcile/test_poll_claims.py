"""Claims of due jobs: each job is one reconciler's at a time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from receiver.reconcile import poll_due
from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.run import reconcile
from receiver.store.polls import queue
from receiver.store.polls.queue import Watch
from receiver.store.polls.refresh import refresh
from tests.support.reconciling import SILENT, SLOW, create_due_jobs, poll, poll_result, read_watch
from tests.support.world import world


def _claim(connection: Connection, due_by: datetime, leased_until: datetime) -> list[Watch]:
    return queue.claim(
        connection,
        account_id=None,
        due_by=due_by,
        leased_until=leased_until,
        limit=poll_due.BATCH_SIZE,
    )


def test_parallel_reconcilers_poll_each_job_once(engine: Engine) -> None:
    """Each due job is claimed and polled by one reconciler."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 120)
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda _: poll(env), range(4)))
        assert sorted(env.rest.fetched()) == sorted(jobs)
        assert sum(report.checked for report in reports) == len(jobs)


def test_parallel_passes_make_each_call_once(engine: Engine) -> None:
    """One of the parallel passes reads the list, and each conversation is read once."""
    with world(engine, faults=SILENT) as env:
        env.create(150)
        env.simulator.finish()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: reconcile(env.context), range(3)))
        reconcile(replace(env.context, clock=lambda: env.simulator.clock.now() + timedelta(1)))
        del env.rest.asked[-2:]  # the list, read by the last pass
        assert len(env.rest.asked) == len(set(env.rest.asked)) == 2 + 150


def test_claims_of_a_killed_reconciler_expire(engine: Engine) -> None:
    """Jobs that a killed reconciler had claimed are polled after the lease, and not before."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        [job] = create_due_jobs(env)
        now = env.context.clock()
        with engine.connect() as connection:
            refresh(connection, account_id=None, grace=env.context.grace, at=now)
            claimed = _claim(connection, now, now + poll_due.LEASE)
        assert [each.job["id"] for each in claimed] == [job]
        poll(env)
        assert env.rest.fetched() == []
        env.simulator.advance(poll_due.LEASE.total_seconds())
        poll(env)
        assert env.rest.fetched() == [job]


def test_expired_claim_changes_nothing(engine: Engine) -> None:
    """After another reconciler has claimed a job, the first one can't reschedule or release it."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)
        now = env.context.clock()
        later = now + poll_due.LEASE
        with engine.connect() as connection:
            [first] = _claim(connection, now, later)
            [second] = _claim(connection, later, later + poll_due.LEASE)
            queue.reschedule(connection, replace(first, attempts=9), now)
            queue.give_up(connection, first, queue.GiveUpReason.NOT_THERE_IN_TIME)
            queue.release(connection, [first], now)
        assert read_watch(engine).due_at == second.leased_until


def test_terminated_poll_releases_its_claims(engine: Engine) -> None:
    """A terminated poll stops between two jobs, and the rest stays due for the next one."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 5)
        stopping = replace(env.context, is_stopping=lambda: len(env.rest.asked) >= 2)
        poll_result(poll_due_jobs(stopping, due_by=env.context.clock()))
        assert len(env.rest.fetched()) == 2
        poll(env)
        assert sorted(env.rest.fetched()) == sorted(jobs)
