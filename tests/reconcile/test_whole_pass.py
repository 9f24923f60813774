"""Hundreds of jobs, a careless Twilio, one pass: what is missing is known or got back."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Faults
from receiver.store.completeness.figures import completeness
from receiver.store.completeness.missing import missing_jobs
from tests.support.environment import serve_app
from tests.support.world import world

JOBS, MANY_JOBS = 500, 2000
TROUBLE = Faults(lost=0.05, duplicated=0.1, reordered=0.2)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Let the service take its origin from the request: it is on a port of its own."""
    return environ | {"PUBLIC_URL": ""}


def test_after_one_pass_everything_is_known(
    app: Flask, engine: Engine, *, is_thorough: bool
) -> None:
    """Every job has its final status; the lost ones are back or named, and counted exactly."""
    jobs = MANY_JOBS if is_thorough else JOBS
    with (
        serve_app(app) as origin,
        world(engine, callback_url=f"{origin}/callbacks/transcription", faults=TROUBLE) as here,
    ):
        stored = here.create(jobs // 2)
        others = here.create(jobs // 2, stored=False)
        here.simulator.finish()
        lost = set(here.simulator.event_log.job_ids("lost"))
        assert len(here.statuses()) == jobs - len(lost)
        assert lost & set(stored)
        assert lost & set(others)

        report = reconcile(here.context)

        assert set(here.statuses().values()) == {"COMPLETED"}
        assert report.found == len(lost)
        assert report.fetched_back == len(lost & set(stored))
        assert not report.has_failed
        now = here.context.clock()
        with engine.connect() as connection:
            figures = completeness(connection, now)
            named = {job["id"] for job in missing_jobs(connection, now, limit=jobs)}
        assert named == lost & set(others)
        assert (figures.completed, figures.missing) == (jobs, len(named))
        assert figures.with_transcript == jobs - len(named)
        assert (figures.awaiting, figures.replaced) == (0, 0)
        assert figures.since == now

        asked = len(here.rest.asked)
        here.simulator.advance(60)
        again = reconcile(here.context)
        assert again.listed
        assert (again.found, again.changed, again.fetched_back) == (0, 0, 0)
        assert len(here.rest.asked) - asked <= jobs // 100 + 1
