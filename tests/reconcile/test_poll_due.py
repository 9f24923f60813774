"""Polls of due jobs: what is polled, when, and until when."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select, text

from receiver.reconcile import poll_due
from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Delays
from receiver.store.ledger.record import record
from receiver.store.tables import watches
from tests.support.reconciling import (
    HOUR,
    SILENT,
    SLOW,
    create_due_jobs,
    poll,
    poll_result,
    read_watch,
)
from tests.support.samples import ACCOUNT
from tests.support.store_events import make_event
from tests.support.world import World, world


def test_unfinished_job_is_polled_until_its_end(engine: Engine) -> None:
    """Polls find the final status without a callback, and end then."""
    with world(engine, delays=Delays(pending=1, running=60), faults=SILENT) as env:
        [job] = env.create(stored=False)
        reconcile(env.context)
        assert env.statuses() == {job: "PENDING"}
        env.simulator.advance(120)
        assert poll(env).changed == 1
        assert env.statuses() == {job: "COMPLETED"}
        env.rest.asked.clear()
        env.simulator.advance(HOUR)
        poll(env)
        assert env.rest.asked == []


def test_job_with_a_transcript_is_not_polled(engine: Engine) -> None:
    """A completed job that has its transcript causes no call and no watch."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "UPDATE transcriptions SET status = 'COMPLETED', conversation_id = 'c',"
                    " transcript_sha256 = '\\x00'"
                )
            )
        poll(env)
        assert env.rest.asked == []
        with engine.connect() as connection:
            assert connection.execute(select(watches)).all() == []


def test_retry_after_is_the_minimum_delay(engine: Engine) -> None:
    """A job is polled again after Twilio's Retry-After and at most 20 percent later."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        [job] = create_due_jobs(env)
        poll(env)
        retry_after = env.rest.fetch(job).retry_after_seconds
        assert retry_after
        delay = (read_watch(engine).due_at - env.context.clock()).total_seconds()
        assert retry_after <= delay <= retry_after * 1.2
        env.rest.asked.clear()
        env.simulator.advance(retry_after - 1)
        poll(env)
        assert env.rest.asked == []


def make_calls_slow(env: World) -> None:
    """Make each call for a job take a minute."""

    def take_a_minute(path: str) -> None:
        if path.startswith("/v3/Transcriptions/"):
            env.simulator.advance(60)

    env.rest.mishap = take_a_minute


def test_poll_has_a_time_limit(engine: Engine) -> None:
    """A poll that reaches its time limit reports that due jobs are left for the next one."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 13)
        make_calls_slow(env)
        started_at = env.context.clock()
        assert not poll_result(poll_due_jobs(env.context, due_by=started_at))[1]
        assert len(env.rest.fetched()) == poll_due.BATCH_SIZE
        assert poll_result(poll_due_jobs(env.context, due_by=started_at))[1]
        assert sorted(env.rest.fetched()) == sorted(jobs)


def test_one_pass_polls_all_due_jobs(engine: Engine) -> None:
    """A long pass polls all due jobs, and reads the list in between when it is due."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 25)
        make_calls_slow(env)
        report = reconcile(env.context)
        assert sorted(env.rest.fetched()) == sorted(jobs)
        list_positions = [
            position
            for position, line in enumerate(env.rest.asked)
            if "Transcriptions/" not in line
        ]
        assert list_positions == [0, 11, 22]
        assert not report.has_failed


def test_watches_are_written_in_several_statements(engine: Engine) -> None:
    """A poll includes all jobs even if one statement doesn't write all their watches."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 5)
        with engine.connect() as connection:
            connection.execute(text("TRUNCATE watches"))
        poll(env, max_rows=2)
        assert sorted(env.rest.fetched()) == sorted(jobs)


def test_conversation_id_is_stored_when_it_appears(engine: Engine) -> None:
    """A completed job is polled until Twilio names its conversation."""
    with world(engine, delays=Delays(pending=1, running=1, conversation=300)) as env:
        [job] = env.create()
        env.simulator.advance(10)
        reconcile(env.context)
        assert read_watch(engine).need == "conversation"
        for _ in range(8):
            env.simulator.advance(60)
            poll(env)
        with engine.connect() as connection:
            conversation_id = connection.execute(
                text("SELECT conversation_id FROM transcriptions")
            ).scalar()
        assert 2 <= len(env.rest.fetched()) <= 6
        assert conversation_id == env.rest.fetch(job).document["transcription"]["conversationId"]


def test_overdue_conversation_is_read_at_once(engine: Engine) -> None:
    """One pass fetches the status, the conversation and the text of a job that ended long ago."""
    delays = Delays(pending=1, running=HOUR, conversation=0)
    with world(engine, delays=delays, faults=SILENT) as env:
        create_due_jobs(env)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET attempts = 10"))
        env.simulator.advance(2 * HOUR)
        assert poll(env).fetched_back == 1


def test_conversation_is_read_after_the_grace_time(engine: Engine) -> None:
    """Within the grace time the callback may still arrive, so no conversation is read."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as env:
        env.create()
        env.simulator.advance(10)
        context = env.with_grace(900)
        assert reconcile(context).fetched_back == 0
        env.simulator.advance(880)
        assert reconcile(context).fetched_back == 0
        env.simulator.advance(20)
        assert reconcile(context).fetched_back == 1


def test_jobs_of_another_account_are_not_polled(engine: Engine) -> None:
    """Twilio wouldn't know another account's jobs with these credentials."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)
        with engine.connect() as connection:
            connection.execute(text("TRUNCATE watches"))
            connection.execute(text("UPDATE transcriptions SET account_id = 'AC_other'"))
        poll(env)
        assert env.rest.asked == []


def test_watches_of_a_former_account_are_deleted(engine: Engine) -> None:
    """Jobs that were watched for a former account are neither polled nor watched."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)
        other = replace(env.context, account_id="AC_other")
        poll_result(poll_due_jobs(other, due_by=env.context.clock()))
        assert env.rest.asked == []
        with engine.connect() as connection:
            assert connection.execute(select(watches)).all() == []


@pytest.mark.parametrize("stored", [True, False])
def test_gap_without_a_configuration_is_fetched_once(engine: Engine, *, stored: bool) -> None:
    """One fetch of the job shows whether a conversation has its transcript."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as env:
        [job] = env.create(stored=stored)
        env.simulator.finish()
        record(engine, make_event({"status": "COMPLETED"}, job=job, account=ACCOUNT))
        assert poll(env).fetched_back == stored
        assert env.rest.fetched() == [job]
        env.simulator.advance(HOUR)
        poll(env)
        assert env.rest.fetched() == [job]
