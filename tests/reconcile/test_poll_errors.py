"""Errors of polls: which end the poll, which affect one job, and when a job is given up."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.reconcile.backoff import MAX_ATTEMPTS, MAX_UNKNOWN_IN_A_ROW
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Delays
from receiver.store.tables import watches
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from tests.support.reconciling import HOUR, SILENT, SLOW, create_due_jobs, poll, read_watch
from tests.support.world import world


@pytest.mark.parametrize(("retry_after", "seconds"), [(77, 77), (None, 30)])
def test_429_ends_the_pass(engine: Engine, retry_after: float | None, seconds: float) -> None:
    """After a 429 no call is made, and the claimed jobs are delayed by its Retry-After."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 5)

        def throttle(_path: str) -> None:
            env.simulator.advance(20)
            raise TwilioBusyError(retry_after)

        env.rest.mishap = throttle
        report = reconcile(env.context)
        assert (len(env.rest.asked), report.wait, report.has_failed) == (1, seconds, True)
        with pytest.raises(TwilioBusyError):
            poll(env)
        assert len(env.rest.fetched()) == 1
        with engine.connect() as connection:
            due = connection.execute(select(watches.c.due_at)).scalars().all()
        assert due == [env.context.clock() + timedelta(seconds=seconds)] * 5


def test_unanswered_calls_end_the_poll(engine: Engine) -> None:
    """The poll ends after three unanswered calls in a row, and all jobs stay due."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 9)

        def unavailable(_path: str) -> None:
            raise TwilioUnavailableError("Twilio did not answer.")

        env.rest.mishap = unavailable
        with pytest.raises(TwilioUnavailableError, match="3 times in a row"):
            poll(env)
        env.rest.mishap = lambda _path: None
        env.simulator.advance(60)
        env.rest.asked.clear()
        poll(env)
        assert len(set(env.rest.fetched())) == len(env.rest.fetched()) == 9


def test_unexpected_error_affects_one_job(engine: Engine) -> None:
    """An unexpected error is counted, and the other jobs are polled."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 5)

        def fail_one_job(path: str) -> None:
            if path.endswith(jobs[2]):
                raise RuntimeError("an unexpected error")

        env.rest.mishap = fail_one_job
        report = poll(env)
        assert (report.checked, report.errors, report.has_failed) == (4, 1, True)


def test_401_ends_the_poll(engine: Engine) -> None:
    """A 401 would be the answer for every job, so no other call is made."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env, 5)

        def refuse(_path: str) -> None:
            raise TwilioRefusedError(401, 20003, "No.")

        env.rest.mishap = refuse
        with pytest.raises(TwilioRefusedError):
            poll(env)
        assert len(env.rest.fetched()) == 1


def test_403_affects_one_job(engine: Engine) -> None:
    """A 403 is counted, its job is polled later, and the other jobs are polled now."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        jobs = create_due_jobs(env, 5)

        def forbid_one_job(path: str) -> None:
            if path.endswith(jobs[2]):
                raise TwilioRefusedError(403, 20003, "Not this one.")

        env.rest.mishap = forbid_one_job
        report = poll(env)
        assert (report.checked, report.errors) == (4, 1)
        assert len(env.rest.fetched()) == 5
        poll(env)
        assert len(env.rest.fetched()) == 5


def test_403_for_a_conversation_affects_one_job(engine: Engine) -> None:
    """A restricted API key's 403 for one conversation doesn't end the pass."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as env:
        jobs = env.create(3)
        env.simulator.finish()

        def forbid_communications(path: str) -> None:
            if path.endswith("/Communications"):
                raise TwilioRefusedError(403, 20003, "This key may not.")

        env.rest.mishap = forbid_communications
        report = reconcile(env.context)
        assert (report.fault, report.errors) == (None, len(jobs))


def test_job_unknown_to_twilio_is_given_up(engine: Engine) -> None:
    """After several 404s in a row a job is no longer polled, and its watch says why."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)

        def answer_404(_path: str) -> None:
            raise TwilioRefusedError(404, 20404, "There is none.")

        env.rest.mishap = answer_404
        reports = []
        for _ in range(MAX_UNKNOWN_IN_A_ROW + 3):
            reports.append(poll(env))
            env.simulator.advance(HOUR / 2)
        assert len(env.rest.fetched()) == MAX_UNKNOWN_IN_A_ROW
        assert sum(report.unknown for report in reports) == MAX_UNKNOWN_IN_A_ROW
        assert not any(report.errors for report in reports)
        assert (read_watch(engine).due_at, read_watch(engine).gave_up) == (
            None,
            "unknown_at_twilio",
        )


def test_single_404s_do_not_give_up_a_job(engine: Engine) -> None:
    """Only 404s in a row count, regardless of the number of polls."""
    with world(engine, delays=Delays(pending=1, running=1e6), faults=SILENT) as env:
        create_due_jobs(env)

        def answer_404_sometimes(_path: str) -> None:
            if len(env.rest.asked) % MAX_UNKNOWN_IN_A_ROW:
                raise TwilioRefusedError(404, 20404, "There is none.")

        env.rest.mishap = answer_404_sometimes
        for _ in range(3 * MAX_UNKNOWN_IN_A_ROW):
            poll(env)
            env.simulator.advance(2 * HOUR)
        assert len(env.rest.fetched()) == 3 * MAX_UNKNOWN_IN_A_ROW
        assert read_watch(engine).gave_up is None


def test_unanswered_calls_do_not_give_up_a_job(engine: Engine) -> None:
    """The last attempt to read a conversation must be one that Twilio answers."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as env:
        env.create()
        env.simulator.finish()

        def unavailable(path: str) -> None:
            if "/Conversations/" in path:
                raise TwilioUnavailableError("Twilio answered 500.")

        env.rest.mishap = unavailable
        reconcile(env.context)
        for _ in range(MAX_ATTEMPTS):
            env.simulator.advance(12 * HOUR)
            poll(env)
        assert read_watch(engine).attempts > MAX_ATTEMPTS
        env.rest.mishap = lambda _path: None
        env.simulator.advance(12 * HOUR)
        assert poll(env).fetched_back == 1


def test_new_reason_restarts_a_given_up_job(engine: Engine) -> None:
    """A job that was given up while unfinished is polled for its text after its completion."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        create_due_jobs(env)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL, gave_up = 'x'"))
            poll(env)
            assert env.rest.asked == []
            connection.execute(
                text("UPDATE transcriptions SET status = 'COMPLETED', conversation_id = 'conv'")
            )
        poll(env)
        assert env.rest.asked == ["GET /v2/Conversations/conv/Communications 100"]


def test_missing_conversation_is_given_up(engine: Engine) -> None:
    """Polls for a conversation that never appears end after about a day."""
    with world(engine, delays=Delays(pending=1, running=1, conversation=1e7)) as env:
        env.create()
        env.simulator.advance(10)
        reconcile(env.context)
        started_at = env.context.clock()
        while (due := read_watch(engine).due_at) is not None:
            env.simulator.advance((due - env.context.clock()).total_seconds())
            poll(env)
        assert len(env.rest.fetched()) == MAX_ATTEMPTS
        assert timedelta(hours=20) < env.context.clock() - started_at < timedelta(hours=48)
