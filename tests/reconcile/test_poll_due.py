"""Polling: at the pace that Twilio sets, once for all reconcilers, and not for ever."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from receiver.reconcile import poll_due
from receiver.reconcile.backoff import MAX_ATTEMPTS, MAX_UNKNOWN_IN_A_ROW
from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Delays, Faults
from receiver.store.ledger.record import record
from receiver.store.polls import queue
from receiver.store.polls import refresh as refreshing
from receiver.store.polls.queue import Watch
from receiver.store.polls.refresh import refresh
from receiver.store.tables import watches
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from tests.support.simulator.account import ACCOUNT
from tests.support.store_events import make_event
from tests.support.world import World, world

HOUR = 3600.0
SLOW = Delays(pending=1, running=HOUR, conversation=HOUR)
SILENT = Faults(lost=1)


def _poll(here: World) -> Report:
    return _result(poll_due_jobs(here.context, due_by=here.context.clock()))[0]


def _result(steps: Generator[Report, None, bool]) -> tuple[Report, bool]:
    """Return the report of a whole poll, and whether all that was due is done."""
    report = Report()
    while True:
        try:
            report += next(steps)
        except StopIteration as end:
            return report, end.value


def _watch(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(watches)).one()


def _claim(connection: Connection, due_by: datetime, leased_until: datetime) -> list[Watch]:
    return queue.claim(
        connection,
        account_id=None,
        due_by=due_by,
        leased_until=leased_until,
        limit=poll_due.BATCH_SIZE,
    )


def _known(here: World, count: int = 1) -> list[str]:
    """Let there be unfinished jobs that are known and due."""
    jobs = here.create(count)
    reconcile(here.context)
    here.simulator.advance(20)
    here.rest.asked.clear()

    return jobs


def test_an_unfinished_job_is_polled_until_it_is_over(engine: Engine) -> None:
    """Its end is known although nobody called back, and then nobody asks any more."""
    with world(engine, delays=Delays(pending=1, running=60), faults=SILENT) as here:
        [job] = here.create(stored=False)
        reconcile(here.context)
        assert here.statuses() == {job: "PENDING"}
        here.simulator.advance(120)
        assert _poll(here).changed == 1
        assert here.statuses() == {job: "COMPLETED"}
        here.rest.asked.clear()
        here.simulator.advance(HOUR)
        _poll(here)
        assert here.rest.asked == []


def test_what_a_callback_has_ended_is_not_polled(engine: Engine) -> None:
    """A job that is over and has its transcript costs Twilio nothing."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "UPDATE transcriptions SET status = 'COMPLETED', conversation_id = 'c',"
                    " transcript_sha256 = '\\x00'"
                )
            )
        _poll(here)
        assert here.rest.asked == []
        with engine.connect() as connection:
            assert connection.execute(select(watches)).all() == []


def test_retry_after_is_the_least_pause(engine: Engine) -> None:
    """A job isn't asked about again before Twilio said, but not much later either."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        [job] = _known(here)
        _poll(here)
        retry_after = here.rest.fetch(job).retry_after_seconds
        assert retry_after
        pause = (_watch(engine).due_at - here.context.clock()).total_seconds()
        assert retry_after <= pause <= retry_after * 1.2
        here.rest.asked.clear()
        here.simulator.advance(retry_after - 1)
        _poll(here)
        assert here.rest.asked == []


def test_two_reconcilers_ask_about_no_job_twice(engine: Engine) -> None:
    """Each due job is one reconciler's, and each is asked about."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 120)
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(lambda _: _poll(here), range(4)))
        assert sorted(here.rest.fetched()) == sorted(jobs)
        assert sum(report.checked for report in reports) == len(jobs)


def test_whole_passes_at_once_do_nothing_twice(engine: Engine) -> None:
    """The list is read by one of them, and each conversation too."""
    with world(engine, faults=SILENT) as here:
        here.create(150)
        here.simulator.finish()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: reconcile(here.context), range(3)))
        reconcile(replace(here.context, clock=lambda: here.simulator.clock.now() + timedelta(1)))
        del here.rest.asked[-2:]  # the list, by the last one
        assert len(here.rest.asked) == len(set(here.rest.asked)) == 2 + 150


def test_a_killed_reconcilers_jobs_come_free(engine: Engine) -> None:
    """What it had claimed is another's once its lease is over, and not before."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        [job] = _known(here)
        now = here.context.clock()
        with engine.connect() as connection:
            refresh(connection, account_id=None, grace=here.context.grace, at=now)
            lost = _claim(connection, now, now + poll_due.LEASE)
        assert [each.job["id"] for each in lost] == [job]
        _poll(here)
        assert here.rest.fetched() == []
        here.simulator.advance(poll_due.LEASE.total_seconds())
        _poll(here)
        assert here.rest.fetched() == [job]


def test_whoever_was_taken_for_dead_settles_nothing(engine: Engine) -> None:
    """Once another has the job, the first one's word on when to ask again doesn't count."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)
        now = here.context.clock()
        later = now + poll_due.LEASE
        with engine.connect() as connection:
            [dead] = _claim(connection, now, later)
            [alive] = _claim(connection, later, later + poll_due.LEASE)
            queue.reschedule(connection, replace(dead, attempts=9), now)
            queue.give_up(connection, dead, queue.GiveUpReason.NOT_THERE_IN_TIME)
            queue.release(connection, [dead], now)
        assert _watch(engine).due_at == alive.leased_until


@pytest.mark.parametrize(("told", "seconds"), [(77, 77), (None, 30)])
def test_a_429_ends_the_pass_for_as_long_as_it_says(
    engine: Engine, told: float | None, seconds: float
) -> None:
    """Nothing more is asked, and what was claimed is put off by its Retry-After, from then on."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 5)

        def busy(_path: str) -> None:
            here.simulator.advance(20)
            raise TwilioBusyError(told)

        here.rest.mishap = busy
        report = reconcile(here.context)
        assert (len(here.rest.asked), report.wait, report.has_failed) == (1, seconds, True)
        with pytest.raises(TwilioBusyError):
            _poll(here)
        assert len(here.rest.fetched()) == 1
        with engine.connect() as connection:
            due = connection.execute(select(watches.c.due_at)).scalars().all()
        assert due == [here.context.clock() + timedelta(seconds=seconds)] * 5


def _takes_a_minute(here: World) -> None:
    """Let each call for a job take a minute."""

    def slow(path: str) -> None:
        if path.startswith("/v3/Transcriptions/"):
            here.simulator.advance(60)

    here.rest.mishap = slow


def test_a_poll_takes_some_minutes_at_most(engine: Engine) -> None:
    """What it doesn't come to is due for the next one, and it says that there is some."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 13)
        _takes_a_minute(here)
        began = here.context.clock()
        assert not _result(poll_due_jobs(here.context, due_by=began))[1]
        assert len(here.rest.fetched()) == poll_due.BATCH_SIZE
        assert _result(poll_due_jobs(here.context, due_by=began))[1]
        assert sorted(here.rest.fetched()) == sorted(jobs)


def test_one_command_asks_about_all_that_is_due(engine: Engine) -> None:
    """However long that takes; in between it reads the list whenever that is due."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 25)
        _takes_a_minute(here)
        report = reconcile(here.context)
        assert sorted(here.rest.fetched()) == sorted(jobs)
        lists = [
            place for place, line in enumerate(here.rest.asked) if "Transcriptions/" not in line
        ]
        assert lists == [0, 11, 22]
        assert not report.has_failed


def test_each_of_many_jobs_is_watched(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass asks about all of them, though no statement finds them all."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 5)
        monkeypatch.setattr(refreshing, "MAX_ROWS_PER_STATEMENT", 2)
        with engine.connect() as connection:
            connection.execute(text("TRUNCATE watches"))
        _poll(here)
        assert sorted(here.rest.fetched()) == sorted(jobs)


def test_a_twilio_that_is_away_is_left_alone_soon(engine: Engine) -> None:
    """Three jobs without an answer are enough, and all of them stay due."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 9)

        def away(_path: str) -> None:
            raise TwilioUnavailableError("Nobody is there.")

        here.rest.mishap = away
        with pytest.raises(TwilioUnavailableError, match="3 times in a row"):
            _poll(here)
        here.rest.mishap = lambda _path: None
        here.simulator.advance(60)
        here.rest.asked.clear()
        _poll(here)
        assert len(set(here.rest.fetched())) == len(here.rest.fetched()) == 9


def test_one_job_without_an_answer_keeps_nobody_from_the_others(engine: Engine) -> None:
    """It counts as an error and is asked about later."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 5)

        def broken(path: str) -> None:
            if path.endswith(jobs[2]):
                raise RuntimeError("something that nobody thought of")

        here.rest.mishap = broken
        report = _poll(here)
        assert (report.checked, report.errors, report.has_failed) == (4, 1, True)


def test_credentials_that_do_not_do_end_the_pass(engine: Engine) -> None:
    """A 401 would be the answer for every job."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here, 5)

        def refuse(_path: str) -> None:
            raise TwilioRefusedError(401, 20003, "No.")

        here.rest.mishap = refuse
        with pytest.raises(TwilioRefusedError):
            _poll(here)
        assert len(here.rest.fetched()) == 1


def test_a_403_is_one_jobs(engine: Engine) -> None:
    """It is counted, asked about later, and the others are asked about now."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 5)

        def forbidden(path: str) -> None:
            if path.endswith(jobs[2]):
                raise TwilioRefusedError(403, 20003, "Not this one.")

        here.rest.mishap = forbidden
        report = _poll(here)
        assert (report.checked, report.errors) == (4, 1)
        assert len(here.rest.fetched()) == 5
        _poll(here)
        assert len(here.rest.fetched()) == 5


def test_a_key_that_may_not_read_conversations_asks_about_the_other_jobs(engine: Engine) -> None:
    """A restricted API key's 403 for one conversation says nothing of the jobs."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as here:
        jobs = here.create(3)
        here.simulator.finish()

        def restricted(path: str) -> None:
            if path.endswith("/Communications"):
                raise TwilioRefusedError(403, 20003, "This key may not.")

        here.rest.mishap = restricted
        report = reconcile(here.context)
        assert (report.fault, report.errors) == (None, len(jobs))


def test_a_job_that_twilio_does_not_know_is_given_up(engine: Engine) -> None:
    """After some 404s nobody asks any more, and the store says why."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)

        def unknown(_path: str) -> None:
            raise TwilioRefusedError(404, 20404, "There is none.")

        here.rest.mishap = unknown
        reports = []
        for _ in range(MAX_UNKNOWN_IN_A_ROW + 3):
            reports.append(_poll(here))
            here.simulator.advance(HOUR / 2)
        assert len(here.rest.fetched()) == MAX_UNKNOWN_IN_A_ROW
        assert sum(report.unknown for report in reports) == MAX_UNKNOWN_IN_A_ROW
        assert not any(report.errors for report in reports)
        assert (_watch(engine).due_at, _watch(engine).gave_up) == (None, "unknown_at_twilio")


def test_a_job_that_twilio_forgot_for_a_moment_is_not_given_up(engine: Engine) -> None:
    """However often it was asked about before, only 404s in a row count."""
    with world(engine, delays=Delays(pending=1, running=1e6), faults=SILENT) as here:
        _known(here)

        def forgetful(_path: str) -> None:
            if len(here.rest.asked) % MAX_UNKNOWN_IN_A_ROW:
                raise TwilioRefusedError(404, 20404, "There is none.")

        here.rest.mishap = forgetful
        for _ in range(3 * MAX_UNKNOWN_IN_A_ROW):
            _poll(here)
            here.simulator.advance(2 * HOUR)
        assert len(here.rest.fetched()) == 3 * MAX_UNKNOWN_IN_A_ROW
        assert _watch(engine).gave_up is None


def test_nothing_is_given_up_because_twilio_was_away(engine: Engine) -> None:
    """The last time that a conversation is asked for its text is one that Twilio answers."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as here:
        here.create()
        here.simulator.finish()

        def away(path: str) -> None:
            if "/Conversations/" in path:
                raise TwilioUnavailableError("Twilio answered 500.")

        here.rest.mishap = away
        reconcile(here.context)
        for _ in range(MAX_ATTEMPTS):
            here.simulator.advance(12 * HOUR)
            _poll(here)
        assert _watch(engine).attempts > MAX_ATTEMPTS
        here.rest.mishap = lambda _path: None
        here.simulator.advance(12 * HOUR)
        assert _poll(here).fetched_back == 1


def test_what_was_given_up_is_watched_anew_when_it_needs_something_else(engine: Engine) -> None:
    """Twilio knew nothing of the unfinished job; when it is completed it may know the text."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL, gave_up = 'x'"))
            _poll(here)
            assert here.rest.asked == []
            connection.execute(
                text("UPDATE transcriptions SET status = 'COMPLETED', conversation_id = 'conv'")
            )
        _poll(here)
        assert here.rest.asked == ["GET /v2/Conversations/conv/Communications 100"]


def test_the_conversations_id_is_filled_in_when_it_appears(engine: Engine) -> None:
    """A completed job is asked about until its conversation is known."""
    with world(engine, delays=Delays(pending=1, running=1, conversation=300)) as here:
        [job] = here.create()
        here.simulator.advance(10)
        reconcile(here.context)
        assert _watch(engine).need == "conversation"
        for _ in range(8):
            here.simulator.advance(60)
            _poll(here)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT conversation_id FROM transcriptions")).scalar()
        assert 2 <= len(here.rest.fetched()) <= 6
        assert found == here.rest.fetch(job).document["transcription"]["conversationId"]


def test_what_is_overdue_when_a_poll_tells_of_it_is_read_at_once(engine: Engine) -> None:
    """Its end, its conversation and its text come in one pass, however long it took to end."""
    delays = Delays(pending=1, running=HOUR, conversation=0)
    with world(engine, delays=delays, faults=SILENT) as here:
        _known(here)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET attempts = 10"))
        here.simulator.advance(2 * HOUR)
        assert _poll(here).fetched_back == 1


def test_nothing_is_read_from_a_conversation_before_the_grace_time_is_over(engine: Engine) -> None:
    """The callback may still come."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as here:
        here.create()
        here.simulator.advance(10)
        patient = here.with_grace(900)
        assert reconcile(patient).fetched_back == 0
        here.simulator.advance(880)
        assert reconcile(patient).fetched_back == 0
        here.simulator.advance(20)
        assert reconcile(patient).fetched_back == 1


def test_a_conversation_that_never_appears_is_given_up(engine: Engine) -> None:
    """Nobody asks for ever: after a day or so it isn't coming."""
    with world(engine, delays=Delays(pending=1, running=1, conversation=1e7)) as here:
        here.create()
        here.simulator.advance(10)
        reconcile(here.context)
        began = here.context.clock()
        while (due := _watch(engine).due_at) is not None:
            here.simulator.advance((due - here.context.clock()).total_seconds())
            _poll(here)
        assert len(here.rest.fetched()) == MAX_ATTEMPTS
        assert timedelta(hours=20) < here.context.clock() - began < timedelta(hours=48)


def test_other_accounts_jobs_are_not_asked_about(engine: Engine) -> None:
    """With our credentials Twilio would not know them."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)
        with engine.connect() as connection:
            connection.execute(text("TRUNCATE watches"))
            connection.execute(text("UPDATE transcriptions SET account_id = 'AC_other'"))
        _poll(here)
        assert here.rest.asked == []


def test_what_was_another_accounts_is_not_asked_about(engine: Engine) -> None:
    """Its jobs were watched until the settings named another account, and aren't now."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        _known(here)
        other = replace(here.context, account_id="AC_other")
        _result(poll_due_jobs(other, due_by=here.context.clock()))
        assert here.rest.asked == []
        with engine.connect() as connection:
            assert connection.execute(select(watches)).all() == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_gap_that_tells_no_configuration_is_fetched_once(engine: Engine, stored: bool) -> None:  # noqa: FBT001 - pytest's way
    """Then it is known whether a conversation has its transcript."""
    with world(engine, delays=Delays(conversation=0), faults=SILENT) as here:
        [job] = here.create(stored=stored)
        here.simulator.finish()
        record(engine, make_event({"status": "COMPLETED"}, job=job, account=ACCOUNT))
        assert _poll(here).fetched_back == stored
        assert here.rest.fetched() == [job]
        here.simulator.advance(HOUR)
        _poll(here)
        assert here.rest.fetched() == [job]


def test_a_process_that_is_to_end_gives_back_what_it_claimed(engine: Engine) -> None:
    """It ends between two jobs, and the next one finds the rest due."""
    with world(engine, delays=SLOW, faults=SILENT) as here:
        jobs = _known(here, 5)
        stopping = replace(here.context, is_stopping=lambda: len(here.rest.asked) >= 2)
        _result(poll_due_jobs(stopping, due_by=here.context.clock()))
        assert len(here.rest.fetched()) == 2
        _poll(here)
        assert sorted(here.rest.fetched()) == sorted(jobs)
