"""Lost transcripts: with the option, each is submitted once more."""

import itertools
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.reconcile.report import Report
from receiver.reconcile.resubmit import resubmit_missing
from receiver.reconcile.run import reconcile
from receiver.store.completeness.figures import completeness
from receiver.store.submissions.outbox import KeyReusedError
from receiver.store.tables import submissions
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from tests.support.reconciling import SILENT, count_posts, raising, record_intent, sum_reports
from tests.support.simulator.account import BY_URL
from tests.support.world import world


def test_nothing_is_resubmitted_by_default(engine: Engine) -> None:
    """A resubmission costs money, so it needs the option."""
    with world(engine, faults=SILENT) as env:
        env.create(3, stored=False)
        env.simulator.finish()
        reconcile(env.context)
        assert count_posts(env) == 0


def test_lost_transcript_is_resubmitted_once(engine: Engine) -> None:
    """A transcript is resubmitted once, under a recorded key, even if the new job loses its own."""
    with world(engine, faults=SILENT) as env:
        lost = env.create(3, stored=False)
        env.simulator.finish()
        assert reconcile(env.context, resubmits=True).resubmitted == 3
        for _ in range(3):
            env.simulator.finish()
            env.simulator.advance(3600)
            reconcile(env.context, resubmits=True)
        assert count_posts(env) == 3
        assert len(env.statuses()) == 6
        with engine.connect() as connection:
            keys = set(connection.execute(select(submissions.c.idempotency_key)).scalars())
            figures = completeness(connection, at=env.context.clock(), grace=env.context.grace)
        assert keys == {f"resubmit-{job}" for job in lost}
        assert (figures.missing, figures.replaced) == (6, 0)


def test_resubmission_has_the_same_key_each_time(engine: Engine) -> None:
    """The key is derived from the job, so Twilio recognizes a second submission."""
    with world(engine, faults=SILENT) as env:
        env.create(stored=False)
        env.simulator.finish()
        reconcile(env.context)
        env.rest.mishap = raising(TwilioUnavailableError("Twilio did not answer."))
        reconcile(env.context, resubmits=True)
        env.rest.mishap = lambda _path: None
        env.simulator.advance(600)
        reconcile(env.context, resubmits=True)
        reconcile(env.context, resubmits=True)
        with engine.connect() as connection:
            assert len(connection.execute(select(submissions)).all()) == 1


@pytest.mark.parametrize("error", [TwilioRefusedError(401, 20003, ""), TwilioBusyError(1)])
def test_temporary_refusal_is_retried_after_an_hour(engine: Engine, error: Exception) -> None:
    """A 401 or 429 ends the pass, since it affects all jobs, and is retried after an hour."""
    with world(engine, faults=SILENT) as env:
        env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context)
        env.rest.mishap = raising(error)
        with pytest.raises(type(error)):
            sum_reports(resubmit_missing(env.context))
        assert count_posts(env) == 1
        env.rest.mishap = lambda _path: None
        report = sum_reports(resubmit_missing(env.context))
        assert (report.resubmitted, count_posts(env)) == (1, 2)
        env.simulator.advance(3601)
        report += sum_reports(resubmit_missing(env.context))
        assert (report.resubmitted, count_posts(env)) == (2, 3)


def test_403_affects_one_recording(engine: Engine) -> None:
    """After a 403 the other recordings are submitted now, and this one later."""
    with world(engine, faults=SILENT) as env:
        env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context)

        def forbid_first(_path: str) -> None:
            if count_posts(env) == 1:
                raise TwilioRefusedError(403, 20003, "Not this one.")

        env.rest.mishap = forbid_first
        for expected in ((1, 1), (0, 0)):
            report = sum_reports(resubmit_missing(env.context))
            assert (report.resubmitted, report.errors) == expected
        env.simulator.advance(3601)
        report = sum_reports(resubmit_missing(env.context))
        assert report.resubmitted == 1


def test_final_refusal_is_not_retried(engine: Engine) -> None:
    """A final refusal is counted, the next recording is submitted, and no pass retries."""
    with world(engine, faults=SILENT) as env:
        env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context)
        env.rest.mishap = raising(TwilioRefusedError(400, 17533, "Not eligible."))
        for errors in (2, 0):
            report = sum_reports(resubmit_missing(env.context))
            assert (report.errors, count_posts(env)) == (errors, 2)


@pytest.mark.parametrize("answered", [True, False])
def test_parallel_resubmissions_share_the_jobs(engine: Engine, *, answered: bool) -> None:
    """A job that another reconciler has submitted is skipped, whether or not it has its answer."""
    with world(engine, faults=SILENT) as env:
        env.create(3, stored=False)
        env.simulator.finish()
        reconcile(env.context)
        ticks = itertools.count()
        now = env.context.clock()
        context = replace(env.context, clock=lambda: now + timedelta(microseconds=next(ticks)))
        other_reports = [Report()]

        def run_other(_path: str) -> None:
            env.rest.mishap = (
                (lambda _path: None) if answered else raising(TwilioUnavailableError("Gone."))
            )
            with suppress(TwilioUnavailableError):
                other_reports.extend(resubmit_missing(context))
            env.rest.mishap = lambda _path: None

        env.rest.mishap = run_other
        first = sum_reports(resubmit_missing(context))
        assert count_posts(env) == 3
        # A later pass resumes the submission that got no answer.
        expected = (1, 2) if answered else (2, 0)
        second = sum_reports(other_reports)
        assert (first.resubmitted, second.resubmitted) == expected
        assert (first.errors, second.errors) == (0, 0)


def test_key_used_for_another_request_is_skipped(engine: Engine) -> None:
    """A key that was used for another request in between is an error of that job only."""
    with world(engine, faults=SILENT) as env:
        lost = env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context)

        def run_other(_path: str) -> None:
            for job in lost:
                with suppress(KeyReusedError):
                    record_intent(env, minutes_ago=0, key=f"resubmit-{job}")

        env.rest.mishap = run_other
        report = sum_reports(resubmit_missing(env.context))
        assert (report.resubmitted, report.errors, count_posts(env)) == (1, 1, 1)


def test_new_job_replaces_the_lost_one(engine: Engine) -> None:
    """With the new job's transcript the gap is no longer missing, and the figures add up."""
    with world(engine, faults=SILENT) as env:
        env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context, resubmits=True)
        with engine.connect() as connection:
            new_job = connection.execute(select(submissions.c.job_id).limit(1)).scalar_one()
            connection.execute(
                text(
                    "UPDATE transcriptions SET status = 'COMPLETED', sentences = 0,"
                    " transcript_sha256 = '\\x00' WHERE id = :id"
                ),
                {"id": new_job},
            )
            figures = completeness(connection, at=env.context.clock(), grace=env.context.grace)
        assert (figures.completed, figures.with_transcript) == (3, 1)
        assert (figures.missing, figures.replaced, figures.awaiting) == (1, 1, 0)


def test_watched_job_is_not_resubmitted(engine: Engine) -> None:
    """A recording is not resubmitted while its conversation may still give the transcript."""
    with world(engine, faults=SILENT) as env:
        env.create()
        env.simulator.advance(5)  # completed, and not stored yet
        assert reconcile(env.context, resubmits=True).resubmitted == 0
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL, gave_up = 'x'"))
        assert reconcile(env.context, resubmits=True).resubmitted == 1


def test_resubmission_repeats_the_request(engine: Engine) -> None:
    """The new request has the first job's source, configuration, start and participants."""
    with world(engine, faults=SILENT) as env:
        first = env.simulator.create(BY_URL).id
        env.simulator.advance(5)
        reconcile(env.context)
        with engine.connect() as connection:
            connection.execute(text("UPDATE watches SET due_at = NULL"))
        reconcile(env.context, resubmits=True)
        with engine.connect() as connection:
            row = connection.execute(select(submissions)).one()
        assert row.idempotency_key == f"resubmit-{first}"
        assert json.loads(row.request) == BY_URL


def test_invalid_request_is_tried_once(engine: Engine) -> None:
    """A job whose stored participants are invalid in a request is an error once only."""
    with world(engine, faults=SILENT) as env:
        env.create(stored=False)
        env.simulator.finish()
        reconcile(env.context)
        with engine.connect() as connection:
            connection.execute(
                text("""UPDATE transcriptions SET participants = '[{"audioChannelIndex": 7}]'""")
            )
        assert reconcile(env.context, resubmits=True).errors == 1
        second = reconcile(env.context, resubmits=True)
        assert (second.errors, second.resubmitted, count_posts(env)) == (0, 0, 0)
