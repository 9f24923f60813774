"""Scans of Twilio's list: each scan covers what the last complete one didn't."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text

from receiver.events.api_events import event_of, record_response
from receiver.reconcile.list_scan import scan_list
from receiver.reconcile.report import Report
from receiver.store.ledger.record import record
from receiver.store.polls.list_scans import (
    MAX_REST,
    MIN_REST,
    OVERLAP,
    last_complete_scan,
    next_scan_at,
)
from receiver.store.tables import passes
from receiver.twilio.client import TwilioUnavailableError
from tests.support.reconciling import SILENT
from tests.support.store_events import count_deliveries, make_event
from tests.support.world import World, world


def _scan_list(env: World) -> Report:
    """Scan the list once, and return the report."""
    return sum(scan_list(env.context), Report())


def _created_after(env: World) -> list[datetime]:
    """Return the `created_after` of each scan."""
    with env.context.engine.connect() as connection:
        return list(
            connection.execute(select(passes.c.created_after).order_by(passes.c.id)).scalars()
        )


def _last_complete_scan(env: World) -> datetime | None:
    """Return the start of the last complete scan."""
    with env.context.engine.connect() as connection:
        return connection.execute(last_complete_scan(env.context.clock())).scalar()


def test_jobs_submitted_elsewhere_are_found(engine: Engine) -> None:
    """A scan reads all pages and stores the jobs with Twilio's status."""
    with world(engine, faults=SILENT) as env:
        jobs = env.create(230)
        report = _scan_list(env)
        assert (report.checked, report.found, report.changed) == (230, 230, 0)
        assert env.statuses() == dict.fromkeys(jobs, "PENDING")
        assert len(env.rest.asked) == 3


def test_unchanged_jobs_write_nothing(engine: Engine) -> None:
    """A second scan of the same jobs leaves the ledger and the jobs as they are."""
    with world(engine, faults=SILENT) as env:
        env.create(5)
        _scan_list(env)
        before = count_deliveries(engine)
        env.simulator.advance(0.5)
        report = _scan_list(env)
        assert (report.checked, report.found, report.changed) == (5, 0, 0)
        assert count_deliveries(engine) == before


def test_outranked_document_is_written_once(engine: Engine) -> None:
    """A document that a newer event outranks differs from the job, and is recorded once only."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create()
        env.simulator.advance(5)
        updated = env.rest.fetch(job).document["transcription"]["updatedAt"]
        head = {"status": "COMPLETED", "updated_at": datetime.fromisoformat(updated), "duration": 1}
        record(engine, make_event(head, job=job))
        assert _scan_list(env).changed == 1
        env.simulator.advance(0.1)
        before = count_deliveries(engine)
        assert _scan_list(env).changed == 0
        assert count_deliveries(engine) == before


def test_document_known_from_a_submission_is_not_written(engine: Engine) -> None:
    """A job that was submitted here is listed with the same document, so nothing is written."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create()
        body = env.rest.fetch(job).body
        record_response(engine, event_of("submission", body, env.context.clock()))
        report = _scan_list(env)
        assert (report.checked, report.changed, report.found) == (1, 0, 0)
        assert count_deliveries(engine) == (1, 1)


def test_simultaneous_scans_read_the_list_once(engine: Engine) -> None:
    """If two scans start at the same time, one reads the list, even if it ends at once."""
    with world(engine, faults=SILENT) as env:
        assert _scan_list(env).listed
        assert not _scan_list(env).listed
        assert len(env.rest.asked) == 1


def test_changed_job_is_written(engine: Engine) -> None:
    """A job whose status has changed since the last scan is updated."""
    with world(engine, faults=SILENT) as env:
        [job] = env.create()
        _scan_list(env)
        env.simulator.finish()
        assert _scan_list(env).changed == 1
        assert env.statuses() == {job: "COMPLETED"}


def test_scan_covers_the_time_since_the_last_complete_one(engine: Engine) -> None:
    """A scan begins OVERLAP before the last complete scan; failed scans don't count."""
    with world(engine) as env:
        first = env.context.clock()
        _scan_list(env)
        env.simulator.advance(3600)

        def unavailable(_path: str) -> None:
            raise TwilioUnavailableError("Twilio did not answer.")

        env.rest.mishap = unavailable
        with pytest.raises(TwilioUnavailableError):
            _scan_list(env)
        assert _last_complete_scan(env) == first
        env.simulator.advance(3600)
        env.rest.mishap = lambda _path: None
        _scan_list(env)
        assert _created_after(env)[1:] == [first - OVERLAP] * 2
        assert _last_complete_scan(env) == env.context.clock()


def test_first_scan_covers_a_day_before_the_first_event(engine: Engine) -> None:
    """The first scan lists jobs since a day before the first event, but at most a month back."""
    with world(engine) as env:
        now = env.context.clock()
        _scan_list(env)
        assert _created_after(env) == [now - timedelta(days=1)]
        for days, expected in ((5, 6), (300, 30)):
            with engine.connect() as connection:
                connection.execute(text("TRUNCATE passes, events RESTART IDENTITY"))
            received_at = now - timedelta(days=days)
            record(engine, replace(make_event({"status": "PENDING"}), received_at=received_at))
            _scan_list(env)
            assert _created_after(env) == [now - timedelta(days=expected)]


def test_unusable_document_is_quarantined(engine: Engine) -> None:
    """An unusable document is quarantined and counted, and the scan goes on."""
    with world(engine, faults=SILENT) as env:
        first, *_ = env.create(3)
        record(engine, make_event({"status": "PENDING"}, job=first, account="AC_other"))
        report = _scan_list(env)
        assert (report.unusable, report.found, report.listed) == (1, 2, True)


def test_idle_scans_become_less_frequent(engine: Engine) -> None:
    """The pause before the next scan grows from one to ten minutes while nothing changes."""
    with world(engine, faults=SILENT) as env:
        env.create()
        _scan_list(env)
        pauses = []
        for _ in range(8):
            with engine.connect() as connection:
                due = next_scan_at(connection, env.context.clock())
            assert due is not None
            pauses.append(due - env.context.clock())
            env.simulator.advance(pauses[-1].total_seconds())
            _scan_list(env)
        assert pauses[0] == MIN_REST
        # The job's status changed once in between.
        assert pauses[-1] == MAX_REST
        assert sum(pauses, timedelta()) > timedelta(minutes=20)


def test_old_scans_are_deleted(engine: Engine) -> None:
    """A complete scan deletes the scans that are older than a month, but never itself."""
    with world(engine) as env:
        _scan_list(env)
        env.simulator.advance(timedelta(days=31).total_seconds())
        _scan_list(env)
        assert len(_created_after(env)) == 1
        assert _last_complete_scan(env) == env.context.clock()
