"""Tests of the retention beside others: locks, interruptions, and what comes in between."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from receiver.privacy.retention import Retention, retain
from receiver.store.engine import transactional
from receiver.store.erasure.holds import Hold, add_hold, lock_holds
from receiver.store.event import Outcome
from receiver.store.jobs.refold import lock_job
from receiver.store.ledger.record import record
from tests.support.command_process import command_process
from tests.support.retention import (
    NOW,
    RETENTION,
    count_all,
    days_ago,
    execute,
    old_event,
    rows,
    run_pass,
    seed,
)
from tests.support.sessions import waits_for_lock
from tests.support.waiting import wait_until

BODIES = Retention(bodies=timedelta(days=10))

# A batch that removes a body waits for a lock that the test holds.
_BLOCK = """
CREATE FUNCTION block() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1);
    RETURN NEW;
END $$;
CREATE TRIGGER blocked BEFORE UPDATE ON events
FOR EACH ROW WHEN (NEW.body IS NULL AND OLD.body IS NOT NULL) EXECUTE FUNCTION block()
"""


def test_slow_batch_gives_up_its_locks_by_itself(engine: Engine) -> None:
    """While a batch can't go on, a callback of its job gets the job's lock from the server."""
    record(engine, old_event("job", days=11, sentences=2))
    execute(engine, _BLOCK)
    try:
        with transactional(engine).begin() as blocker, ThreadPoolExecutor() as pool:
            blocker.execute(text("SELECT pg_advisory_xact_lock(1)"))
            passed = pool.submit(run_pass, engine, BODIES)
            wait_until(lambda: waits_for_lock(engine))
            # The batch holds the job's lock; this waits for a quarter of a second at most.
            event = old_event("job", days=0, updated_at=days_ago(1))
            assert record(engine, event).outcome == Outcome.APPLIED
            assert passed.result() == {}
        assert run_pass(engine, BODIES) == {"bodies": 1}
    finally:
        execute(engine, "DROP FUNCTION block CASCADE")


def test_locked_job_is_left_for_the_next_pass(engine: Engine) -> None:
    """A job that a transaction has locked is skipped, and the next pass returns to it."""
    for job in ("job_1", "job_2", "job_3"):
        record(engine, old_event(job, days=40))
    with transactional(engine).begin() as connection:
        lock_job(connection, "job_2")
        assert run_pass(engine) == {"bodies": 2, "jobs": 2, "events": 2}
        assert rows(engine, "SELECT key FROM tombstones ORDER BY 1") == [
            ("job:job_1",),
            ("job:job_3",),
        ]
    assert run_pass(engine) == {"bodies": 1, "jobs": 1, "events": 1}


def test_removal_waits_for_the_writes_that_saw_no_tombstone(engine: Engine) -> None:
    """A write that began before the tombstones were committed ends before the job is removed."""
    record(engine, old_event("job", days=40))
    run_pass(engine, BODIES)
    with transactional(engine).begin() as writer, ThreadPoolExecutor() as pool:
        writer.execute(text("LOCK TABLE transcriptions IN ROW EXCLUSIVE MODE"))
        passed = pool.submit(run_pass, engine)
        wait_until(lambda: count_all(engine, "tombstones") == 1)
        assert count_all(engine, "transcriptions") == 1
        writer.commit()
        assert passed.result() == {"jobs": 1, "events": 1}


def test_hold_in_between_saves_the_job(engine: Engine) -> None:
    """A hold that is added after a job's tombstone keeps the job, and the tombstone goes."""
    record(engine, old_event("job", days=40))
    run_pass(engine, BODIES)
    with closing(retain(engine, RETENTION)) as steps:
        while not count_all(engine, "tombstones"):
            next(steps)
        with transactional(engine).begin() as connection:
            add_hold(connection, Hold("case 7", "job", "job", "For the test.", "user:test", NOW))
        assert +sum(steps, Counter()) == {}
    assert count_all(engine, "tombstones") == 0
    assert record(engine, old_event("job", days=0, duration=7)).outcome == Outcome.APPLIED


def test_event_in_between_saves_the_job(engine: Engine) -> None:
    """A job is removed only if no event arrived since it was found."""
    record(engine, old_event("job", days=40))
    run_pass(engine, BODIES)
    with closing(retain(engine, RETENTION)) as steps:
        while not count_all(engine, "tombstones"):
            next(steps)
        # As a writer does that began before the tombstone was committed.
        execute(engine, "UPDATE events SET received_at = now()")
        assert +sum(steps, Counter()) == {}
    assert count_all(engine, "tombstones") == 0


def test_pass_can_end_after_any_batch(engine: Engine) -> None:
    """However often a pass is interrupted, each job is removed once, and no tombstone is lost."""
    seed(engine, 300, days=40)
    total: Counter[str] = Counter()
    while count_all(engine, "transcriptions"):
        with closing(retain(engine, RETENTION)) as steps:
            for step in steps:
                total += step
                if step:
                    break
    assert total == {"bodies": 300, "jobs": 300, "events": 300}
    assert count_all(engine, "tombstones") == 300


def test_pass_after_a_kill_removes_what_has_a_tombstone(engine: Engine) -> None:
    """If a process is killed after the tombstones, the next pass removes their jobs."""
    record(engine, old_event("job", days=40))
    execute(engine, "INSERT INTO tombstones (key, erased_at) VALUES ('job:job', now())")
    assert run_pass(engine) == {"bodies": 1, "jobs": 1, "events": 1}
    assert count_all(engine, "tombstones") == 1


def test_killed_command_leaves_nothing_half_done(
    engine: Engine, environ: dict[str, str], tmp_path: Path
) -> None:
    """A killed `retain` has done whole batches; the next one does the others."""
    seed(engine, 1500, days=40)
    limits = {"RETAIN_BODIES_DAYS": "10", "RETAIN_METADATA_DAYS": "30"}
    with command_process({**environ, **limits}, tmp_path / "log", "retain") as child:
        bodies = "SELECT count(*) FROM events WHERE body IS NOT NULL"
        wait_until(lambda: rows(engine, bodies)[0][0] < 1500)
        child.process.kill()
        child.process.wait()
    assert (
        rows(engine, "SELECT count(*) FROM events")[0]
        == rows(engine, "SELECT count(*) FROM transcriptions")[0]
    )
    run_pass(engine)
    assert count_all(engine, "events", "transcriptions") == 0
    assert count_all(engine, "tombstones") == 1500


def test_two_passes_at_once_share_the_work(engine: Engine) -> None:
    """Two processes at once remove everything once."""
    seed(engine, 3000, days=40)
    barrier = threading.Barrier(2)

    def work() -> Counter[str]:
        barrier.wait()
        return run_pass(engine)

    with ThreadPoolExecutor() as pool:
        passes = [pool.submit(work) for _ in range(2)]
        total = sum((each.result() for each in passes), Counter[str]())
    assert total == {"bodies": 3000, "jobs": 3000, "events": 3000}


def test_adding_a_hold_waits_for_the_batch(engine: Engine) -> None:
    """No batch runs while a hold is added, so the next one sees the hold."""
    record(engine, old_event("job", days=11))
    with transactional(engine).begin() as connection, ThreadPoolExecutor() as pool:
        lock_holds(connection)
        passed = pool.submit(run_pass, engine, BODIES)
        wait_until(lambda: waits_for_lock(engine))
        add_hold(connection, Hold("case 7", "job", "job", "For the test.", "user:test", NOW))
        connection.commit()
        assert passed.result() == {}
