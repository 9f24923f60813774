"""Going through Twilio's list: each pass covers what the last complete one didn't."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, text

from receiver.events.api_events import event_of, record_response
from receiver.reconcile import list_scan
from receiver.reconcile.list_scan import StoppedError, scan_list
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.simulator.faults import Faults
from receiver.store.ledger.record import record
from receiver.store.polls.list_scans import (
    MAX_REST,
    MAX_SCAN_TIME,
    MIN_REST,
    OVERLAP,
    last_complete_scan_at,
    next_scan_at,
)
from receiver.store.tables import passes
from receiver.twilio.client import TwilioRefusedError, TwilioUnavailableError
from tests.support.store_events import count_deliveries, make_event
from tests.support.world import World, world

SILENT = Faults(lost=1)


def _list(here: World) -> Report:
    return sum(scan_list(here.context), Report())


def _created_after(here: World) -> list[datetime]:
    """Return from when on each pass listed the jobs."""
    with here.context.engine.connect() as connection:
        return list(
            connection.execute(select(passes.c.created_after).order_by(passes.c.id)).scalars()
        )


def _passes(engine: Engine) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(select(passes).order_by(passes.c.id)).all()


def _known_since(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        return last_complete_scan_at(connection)


def test_jobs_that_nobody_submitted_here_are_found(engine: Engine) -> None:
    """They are in the store as Twilio tells them, on however many pages."""
    with world(engine, faults=SILENT) as here:
        jobs = here.create(230)
        report = _list(here)
        assert (report.checked, report.found, report.changed) == (230, 230, 0)
        assert here.statuses() == dict.fromkeys(jobs, "PENDING")
        assert len(here.rest.asked) == 3


def test_what_is_unchanged_is_not_written(engine: Engine) -> None:
    """A second pass over the same jobs leaves the ledger and the jobs as they are."""
    with world(engine, faults=SILENT) as here:
        here.create(5)
        _list(here)
        before = count_deliveries(engine)
        here.simulator.advance(0.5)
        report = _list(here)
        assert (report.checked, report.found, report.changed) == (5, 0, 0)
        assert count_deliveries(engine) == before


def test_what_a_callback_knew_better_is_written_once(engine: Engine) -> None:
    """A document that another event outranks says something else each time, and no news."""
    with world(engine, faults=SILENT) as here:
        [job] = here.create()
        here.simulator.advance(5)
        updated = here.rest.fetch(job).document["transcription"]["updatedAt"]
        head = {"status": "COMPLETED", "updated_at": datetime.fromisoformat(updated), "duration": 1}
        record(engine, make_event(head, job=job))
        assert _list(here).changed == 1
        here.simulator.advance(0.1)
        before = count_deliveries(engine)
        assert _list(here).changed == 0
        assert count_deliveries(engine) == before


def test_what_another_source_told_alike_is_not_written(engine: Engine) -> None:
    """A job that was submitted here is listed with nothing new about it."""
    with world(engine, faults=SILENT) as here:
        [job] = here.create()
        body = here.rest.fetch(job).body
        record_response(engine, event_of("submission", body, here.context.clock()))
        report = _list(here)
        assert (report.checked, report.changed, report.found) == (1, 0, 0)
        assert count_deliveries(engine) == (1, 1)


def test_a_pass_that_began_no_earlier_counts_as_ones_own(engine: Engine) -> None:
    """Of two that are started at the same time, one goes through the list, even if it was fast."""
    with world(engine, faults=SILENT) as here:
        assert _list(here).listed
        assert not _list(here).listed
        assert len(here.rest.asked) == 1


def test_what_has_changed_is(engine: Engine) -> None:
    """A job that went on since is told anew."""
    with world(engine, faults=SILENT) as here:
        [job] = here.create()
        _list(here)
        here.simulator.finish()
        assert _list(here).changed == 1
        assert here.statuses() == {job: "COMPLETED"}


def test_a_pass_begins_where_the_last_complete_one_began(engine: Engine) -> None:
    """And some minutes before, for what Twilio lists late; a failed one doesn't count."""
    with world(engine) as here:
        first = here.context.clock()
        _list(here)
        here.simulator.advance(3600)

        def away(_path: str) -> None:
            raise TwilioUnavailableError("Nobody is there.")

        here.rest.mishap = away
        with pytest.raises(TwilioUnavailableError):
            _list(here)
        assert _known_since(engine) == first
        here.simulator.advance(3600)
        here.rest.mishap = lambda _path: None
        _list(here)
        assert _created_after(here)[1:] == [first - OVERLAP] * 2
        assert _known_since(engine) == here.context.clock()


def test_the_first_pass_looks_back_a_day_beyond_what_the_store_knows(engine: Engine) -> None:
    """What is older was never ours to receive; and no pass looks back for more than a month."""
    with world(engine) as here:
        now = here.context.clock()
        _list(here)
        assert _created_after(here) == [now - timedelta(days=1)]
        for days, expected in ((5, 6), (300, 30)):
            with engine.connect() as connection:
                connection.execute(text("TRUNCATE passes, events RESTART IDENTITY"))
            began = now - timedelta(days=days)
            record(engine, replace(make_event({"status": "PENDING"}), received_at=began))
            _list(here)
            assert _created_after(here) == [now - timedelta(days=expected)]


def test_a_pass_that_was_cut_short_is_taken_up_where_it_stopped(engine: Engine) -> None:
    """Not every page is read twice because one of them failed; it began when it began."""
    with world(engine, faults=SILENT) as here:
        here.create(250)
        began = here.context.clock()

        def fails_on_the_third(_path: str) -> None:
            if len(here.rest.asked) == 3:
                raise TwilioUnavailableError("Twilio answered 500.")

        here.rest.mishap = fails_on_the_third
        with pytest.raises(TwilioUnavailableError):
            _list(here)
        assert (len(here.statuses()), _known_since(engine)) == (200, None)
        here.simulator.advance(60)
        report = _list(here)
        assert (report.checked, report.listed, len(here.rest.asked)) == (50, True, 4)
        assert (len(here.statuses()), _known_since(engine)) == (250, began)
        with engine.connect() as connection:
            row = connection.execute(select(passes)).one()
        assert (row.checked, row.found, row.fault) == (250, 250, None)


def test_a_pass_that_began_long_ago_is_not_taken_up(engine: Engine) -> None:
    """What its first pages told may have changed since, so the list is read from its beginning."""
    with world(engine, faults=SILENT) as here:
        here.create(250)
        began = here.context.clock()

        def fails_on_every_second(_path: str) -> None:
            if len(here.rest.asked) % 2 == 0:
                raise TwilioUnavailableError("Twilio answered 500.")

        here.rest.mishap = fails_on_every_second
        with pytest.raises(TwilioUnavailableError):
            _list(here)
        here.simulator.advance(MAX_SCAN_TIME.total_seconds() - 1)
        with engine.connect() as connection:  # as if it had gone on in between
            connection.execute(
                text("UPDATE passes SET ended_at = :at"), {"at": here.context.clock()}
            )
        with pytest.raises(TwilioUnavailableError):
            _list(here)
        assert [row.started_at for row in _passes(engine)] == [began]
        here.simulator.advance(1)
        here.rest.mishap = lambda _path: None
        assert _list(here).checked == 250
        assert _known_since(engine) == here.context.clock()


def test_a_killed_pass_is_taken_up_too(engine: Engine) -> None:
    """Nobody else lists until its lease is over; then another goes on where it stopped."""
    with world(engine, faults=SILENT) as here:
        here.create(150)

        def killed(_path: str) -> None:
            if len(here.rest.asked) == 2:
                raise SystemExit

        here.rest.mishap = killed
        with pytest.raises(SystemExit):
            _list(here)
        with engine.connect() as connection:  # as if it had had no time to say so
            connection.execute(text("UPDATE passes SET ended_at = NULL, fault = NULL"))
        here.simulator.advance(1)
        assert not _list(here).listed
        here.simulator.advance(list_scan.LEASE.total_seconds())
        assert _list(here).listed
        assert len(here.statuses()) == 150
        assert len(here.rest.asked) == 3


def test_a_place_that_twilio_forgot_is_no_hindrance(engine: Engine) -> None:
    """If the page to go on with is refused, the next pass begins at the beginning."""
    with world(engine, faults=SILENT) as here:
        here.create(150)

        def refuses(_path: str) -> None:
            if len(here.rest.asked) == 2:
                raise TwilioRefusedError(400, 20001, "pageToken is not a token of this list.")

        here.rest.mishap = refuses
        with pytest.raises(TwilioRefusedError):
            _list(here)
        here.simulator.advance(60)
        assert _list(here).checked == 150


def test_a_process_that_is_to_end_stops_between_two_pages(engine: Engine) -> None:
    """The pass is not complete, and the next one goes on."""
    with world(engine, faults=SILENT) as here:
        here.create(150)
        with pytest.raises(StoppedError):
            list(scan_list(replace(here.context, is_stopping=lambda: True)))
        assert _known_since(engine) is None
        here.simulator.advance(60)
        assert _list(here).checked == 50


def test_whoever_lost_the_list_to_another_stops(engine: Engine) -> None:
    """A pass that was taken for dead doesn't write on beside its successor."""
    with world(engine, faults=SILENT) as here:
        here.create(150)

        def dies_meanwhile(_path: str) -> None:
            with engine.connect() as connection:
                connection.execute(text("UPDATE passes SET ended_at = now()"))

        here.rest.mishap = dies_meanwhile
        report = reconcile(here.context)
        assert report.fault
        assert "Another reconciler" in report.fault
        assert _known_since(engine) is None


def test_what_cannot_be_used_is_quarantined_and_told(engine: Engine) -> None:
    """A document that Twilio told wrongly is kept with its reason, and ends nothing."""
    with world(engine, faults=SILENT) as here:
        first, *_ = here.create(3)
        record(engine, make_event({"status": "PENDING"}, job=first, account="AC_other"))
        report = _list(here)
        assert (report.unusable, report.found, report.listed) == (1, 2, True)


def test_the_next_pass_is_the_later_the_less_happens(engine: Engine) -> None:
    """A minute after one that found something, ten minutes when nothing has happened for long."""
    with world(engine, faults=SILENT) as here:
        here.create()
        _list(here)
        rests = []
        for _ in range(8):
            with engine.connect() as connection:
                due = next_scan_at(connection)
            assert due is not None
            rests.append(due - here.context.clock())
            here.simulator.advance(rests[-1].total_seconds())
            _list(here)
        assert rests[0] == MIN_REST
        # The job went on once in between.
        assert rests[-1] == MAX_REST
        assert sum(rests, timedelta()) > timedelta(minutes=20)


def test_long_past_passes_are_forgotten(engine: Engine) -> None:
    """A complete one removes those of a month ago, but never itself."""
    with world(engine) as here:
        _list(here)
        here.simulator.advance(timedelta(days=31).total_seconds())
        _list(here)
        assert len(_created_after(here)) == 1
        assert _known_since(engine) == here.context.clock()
