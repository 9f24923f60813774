"""One pass over hundreds of jobs whose callbacks Twilio loses, repeats and reorders."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Faults
from receiver.store.completeness.figures import completeness
from receiver.store.completeness.missing import missing_jobs
from tests.support.environment import serve_app
from tests.support.world import world

JOB_COUNT, THOROUGH_JOB_COUNT = 500, 2000
UNRELIABLE = Faults(lost=0.05, duplicated=0.1, reordered=0.2)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Take the origin from each request: the test server has a random port."""
    return environ | {"PUBLIC_URL": ""}


def test_one_pass_completes_the_store(app: Flask, engine: Engine, *, is_thorough: bool) -> None:
    """Every job has its final status; each lost transcript is fetched or reported as missing."""
    jobs = THOROUGH_JOB_COUNT if is_thorough else JOB_COUNT
    with (
        serve_app(app) as origin,
        world(engine, callback_url=f"{origin}/callbacks/transcription", faults=UNRELIABLE) as env,
    ):
        stored = env.create(jobs // 2)
        others = env.create(jobs // 2, stored=False)
        env.simulator.finish()
        lost = set(env.simulator.event_log.job_ids("lost"))
        assert len(env.statuses()) == jobs - len(lost)
        assert lost & set(stored)
        assert lost & set(others)

        report = reconcile(env.context)

        assert set(env.statuses().values()) == {"COMPLETED"}
        assert report.found == len(lost)
        assert report.fetched_back == len(lost & set(stored))
        assert not report.has_failed
        now = env.context.clock()
        with engine.connect() as connection:
            figures = completeness(connection, at=now, grace=env.context.grace)
            named = {job["id"] for job in missing_jobs(connection, now, limit=jobs)}
        assert named == lost & set(others)
        assert (figures.completed, figures.missing) == (jobs, len(named))
        assert figures.with_transcript == jobs - len(named)
        assert (figures.awaiting, figures.replaced) == (0, 0)
        assert figures.since == now

        call_count = len(env.rest.asked)
        env.simulator.advance(60)
        again = reconcile(env.context)
        assert again.listed
        assert (again.found, again.changed, again.fetched_back) == (0, 0, 0)
        assert len(env.rest.asked) - call_count <= jobs // 100 + 1
