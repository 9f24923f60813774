"""Tests of what Twilio still has: no pass of the reconciler and no submission brings it back."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.privacy.target import Target
from receiver.reconcile.poll_job import poll_job
from receiver.reconcile.report import Report
from receiver.reconcile.resubmit import resubmit_missing
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Delays
from receiver.simulator.server import serve
from receiver.store.polls import queue
from receiver.store.tables import submissions, transcriptions, watches
from tests.support.erasures import erase_target, found_places
from tests.support.reconciling import SILENT, count_posts, sum_reports
from tests.support.simulator.account import BY_RECORDING, PARTICIPANTS, recording, simulated
from tests.support.stored_callbacks import json_of
from tests.support.submitting import SETTINGS, create, open_app
from tests.support.world import World, world

ADDRESS, NAME = (str(PARTICIPANTS[0][member]) for member in ("address", "name"))
VALUES = [ADDRESS, NAME]
KEY = "a-key-of-the-client"


def _erase_job(env: World, job: str) -> None:
    erase_target(env.context.engine, Target("job", job))


def _personal_rows(engine: Engine, job: str) -> list[str]:
    """Return which personal columns of the job have a value."""
    with engine.connect() as connection:
        row = connection.execute(select(transcriptions).where(transcriptions.c.id == job)).one()
        bodies = connection.scalar(
            text("SELECT count(body) FROM events WHERE job_id = :job"), {"job": job}
        )
    names = ("participants", "source_id", "conversation_id", "transcript_sha256", "additional")

    return [name for name in names if getattr(row, name)] + ["body"] * (bodies or 0)


@pytest.mark.parametrize("kind", ["job", "address"])
def test_passes_leave_erased_jobs_alone(engine: Engine, kind: str) -> None:
    """No pass reads an erased job's text from Twilio, or counts it as news, whatever it says."""
    with world(engine, faults=SILENT, delays=Delays(pending=1, running=60)) as env:
        [job] = env.create()
        reconcile(env.context)
        if kind == "job":
            _erase_job(env, job)
        else:
            erase_target(engine, Target("address", ADDRESS))
        env.simulator.finish()
        env.simulator.advance(7200)
        env.rest.asked.clear()
        for _ in range(2):
            report = reconcile(env.context, resubmits=True)
            assert (report.changed, report.found, report.fetched_back) == (0, 0, 0)
            assert (report.resubmitted, report.unusable, report.errors) == (0, 0, 0)
        assert (env.rest.fetched(), count_posts(env)) == ([], 0)
        assert found_places(engine, VALUES) == []
        assert _personal_rows(engine, job) == []


def test_list_of_a_job_that_was_unknown(engine: Engine) -> None:
    """A job that Twilio's list names after its address was erased is erased, and news to nobody."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create()
        erase_target(engine, Target("address", ADDRESS))
        reports = [reconcile(env.context) for _ in range(2)]
        env.simulator.finish()
        reports.append(reconcile(env.context))
        assert [(report.found, report.changed) for report in reports] == [(0, 0)] * 3
        assert _personal_rows(engine, job) == []
        assert found_places(engine, VALUES) == []


def test_claimed_job_that_is_erased_then(engine: Engine) -> None:
    """The text of a conversation that was read while its job was erased isn't stored."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create()
        env.simulator.finish()
        reconcile(env.with_grace(86_400))
        with engine.connect() as connection:
            connection.execute(watches.update().values(due_at=env.context.clock()))
        [watch] = env.context.query(
            queue.claim,
            account_id=None,
            due_by=env.context.clock(),
            leased_until=env.context.clock() + timedelta(minutes=1),
            limit=9,
        )
        _erase_job(env, job)
        report = sum((step for step in poll_job(env.context, watch)), Report())
        assert (report.checked, report.fetched_back, report.errors) == (1, 0, 0)
        assert found_places(engine, VALUES) == []
        assert _personal_rows(engine, job) == []


def test_successor_is_erased_with_its_job(engine: Engine) -> None:
    """The job as which a recording was submitted again is erased with the first, or the reverse."""
    with world(engine, faults=SILENT) as env:
        first, second = env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context, resubmits=True)
        with engine.connect() as connection:
            rows = connection.execute(
                select(submissions.c.idempotency_key, submissions.c.job_id)
            ).all()
        successors = {key.removeprefix("resubmit-"): job for key, job in rows}
        _erase_job(env, first)
        _erase_job(env, successors[second])
        assert {job for job in env.statuses() if not _personal_rows(engine, job)} == {
            first,
            second,
            *successors.values(),
        }
        assert found_places(engine, VALUES) == []


def test_job_that_is_erased_during_its_resubmission(engine: Engine) -> None:
    """A job that Twilio creates while the first one is erased is erased too."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create(stored=False)
        env.simulator.finish()
        reconcile(env.context)

        def erase_once(_path: str) -> None:
            env.rest.mishap = lambda _path: None
            _erase_job(env, job)

        env.rest.mishap = erase_once
        sum_reports(resubmit_missing(env.context))
        assert (count_posts(env), len(env.statuses())) == (1, 2)
        assert [_personal_rows(engine, each) for each in env.statuses()] == [[], []]
        assert found_places(engine, VALUES) == []


def test_job_that_is_erased_before_its_resubmission(engine: Engine) -> None:
    """A job that is erased while others are submitted again isn't submitted."""
    with world(engine, faults=SILENT) as env:
        jobs = env.create(2, stored=False)
        env.simulator.finish()
        reconcile(env.context)

        def erase_both(_path: str) -> None:
            env.rest.mishap = lambda _path: None
            for job in jobs:
                _erase_job(env, job)

        env.rest.mishap = erase_both
        sum_reports(resubmit_missing(env.context))
        assert count_posts(env) == 1
        assert found_places(engine, VALUES) == []


def test_key_of_an_erased_submission(environ: dict[str, str], engine: Engine) -> None:
    """A repeated submission of an erased job creates no job, and the answer says why."""
    with serve(simulated()) as served, open_app(environ | SETTINGS, served.url) as app:
        client = app.test_client()
        job = json_of(create(client, BY_RECORDING, key=KEY))["transcription"]["id"]
        erase_target(engine, Target("job", job))
        assert found_places(engine, VALUES) == []
        answer = create(client, BY_RECORDING, key=KEY)
        assert answer.status_code == 410
        assert "was erased" in json.loads(answer.text)["detail"]
        assert len(served.simulator.job_store.newest_first()) == 1
        other = {**BY_RECORDING, "sourceId": recording(7)}
        assert create(client, other, key=KEY).status_code == 410
        assert found_places(engine, VALUES) == []
