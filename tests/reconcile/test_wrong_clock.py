"""Rows that a host with a wrong clock has written: they stop neither scans nor polls."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine, text

from receiver.reconcile.run import reconcile, run_pass
from receiver.store.completeness.figures import Completeness, completeness
from receiver.store.polls.list_scans import MAX_AHEAD
from tests.support.list_scans import store_scan
from tests.support.reconciling import SILENT, SLOW, create_due_jobs, read_watch
from tests.support.world import World, world

YEAR = timedelta(days=365)


def _reconcile_a_year_ahead(env: World) -> None:
    """Run a pass whose clock is a year ahead, as a host's clock could be."""
    ahead = env.context.clock() + YEAR
    reconcile(replace(env.context, clock=lambda: ahead))


def _figures(env: World) -> Completeness:
    with env.context.engine.connect() as connection:
        return completeness(connection, at=env.context.clock(), grace=env.context.grace)


def test_list_is_scanned_after_a_pass_from_the_future(engine: Engine) -> None:
    """The next pass reads the list again, and removes the scan from the future."""
    with world(engine, faults=SILENT) as env:
        _reconcile_a_year_ahead(env)
        jobs = env.create(3)
        assert run_pass(env.context).found == len(jobs)
        with engine.connect() as connection:
            newest = connection.execute(text("SELECT max(started_at) FROM passes")).scalar_one()
        assert newest <= env.context.clock() + MAX_AHEAD


def test_pass_from_the_future_proves_nothing(engine: Engine) -> None:
    """Completeness isn't known as of a time in the future."""
    with world(engine, faults=SILENT) as env:
        _reconcile_a_year_ahead(env)
        assert _figures(env).since is None
        reconcile(env.context)
        assert _figures(env).since == env.context.clock()


def test_open_scan_from_the_future_is_ended(engine: Engine) -> None:
    """A process that died during a scan, with its clock a year ahead, blocks no other scan."""
    with world(engine, faults=SILENT) as env:
        store_scan(engine, env.context.clock() + YEAR, is_complete=False)
        assert run_pass(env.context).listed


def test_jobs_are_polled_after_a_pass_from_the_future(engine: Engine) -> None:
    """A job that was made due in a year is due at once."""
    with world(engine, delays=SLOW, faults=SILENT) as env:
        [job] = create_due_jobs(env)
        with engine.connect() as connection:
            connection.execute(
                text("UPDATE watches SET due_at = :at"), {"at": env.context.clock() + YEAR}
            )
        reconcile(env.context)
        assert env.rest.fetched() == [job]
        assert read_watch(engine).due_at < env.context.clock() + timedelta(days=1)
