"""Scans of Twilio's list that end early, and what the next scan does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, text

from receiver.reconcile import list_scan
from receiver.reconcile.list_scan import StoppedError, scan_list
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile
from receiver.store.polls.list_scans import (
    MAX_SCAN_TIME,
    last_complete_scan,
)
from receiver.store.tables import passes
from receiver.twilio.client import TwilioRefusedError, TwilioUnavailableError
from tests.support.reconciling import SILENT
from tests.support.world import World, world


def _scan_list(env: World) -> Report:
    """Scan the list once, and return the report."""
    return sum(scan_list(env.context), Report())


def _last_complete_scan(env: World) -> datetime | None:
    """Return the start of the last complete scan."""
    with env.context.engine.connect() as connection:
        return connection.execute(last_complete_scan(env.context.clock())).scalar()


def _read_scans(engine: Engine) -> Sequence[Row[Any]]:
    """Return all scans."""
    with engine.connect() as connection:
        return connection.execute(select(passes).order_by(passes.c.id)).all()


def test_aborted_scan_is_continued(engine: Engine) -> None:
    """After a failed page the next scan continues there, and keeps the start time."""
    with world(engine, faults=SILENT) as env:
        env.create(250)
        started_at = env.context.clock()

        def fail_third_call(_path: str) -> None:
            if len(env.rest.asked) == 3:
                raise TwilioUnavailableError("Twilio answered 500.")

        env.rest.mishap = fail_third_call
        with pytest.raises(TwilioUnavailableError):
            _scan_list(env)
        assert (len(env.statuses()), _last_complete_scan(env)) == (200, None)
        env.simulator.advance(60)
        report = _scan_list(env)
        assert (report.checked, report.listed, len(env.rest.asked)) == (50, True, 4)
        assert (len(env.statuses()), _last_complete_scan(env)) == (250, started_at)
        with engine.connect() as connection:
            row = connection.execute(select(passes)).one()
        assert (row.checked, row.found, row.fault) == (250, 250, None)


def test_old_scan_is_not_continued(engine: Engine) -> None:
    """The first pages of an old scan may be outdated, so the list is read from the beginning."""
    with world(engine, faults=SILENT) as env:
        env.create(250)
        started_at = env.context.clock()

        def fail_every_second_call(_path: str) -> None:
            if len(env.rest.asked) % 2 == 0:
                raise TwilioUnavailableError("Twilio answered 500.")

        env.rest.mishap = fail_every_second_call
        with pytest.raises(TwilioUnavailableError):
            _scan_list(env)
        env.simulator.advance(MAX_SCAN_TIME.total_seconds() - 1)
        with engine.connect() as connection:  # as if it had continued since
            connection.execute(
                text("UPDATE passes SET ended_at = :at"), {"at": env.context.clock()}
            )
        with pytest.raises(TwilioUnavailableError):
            _scan_list(env)
        assert [row.started_at for row in _read_scans(engine)] == [started_at]
        env.simulator.advance(1)
        env.rest.mishap = lambda _path: None
        assert _scan_list(env).checked == 250
        assert _last_complete_scan(env) == env.context.clock()


def test_killed_scan_is_continued(engine: Engine) -> None:
    """No other process scans until the lease ends; then one continues at the same page."""
    with world(engine, faults=SILENT) as env:
        env.create(150)

        def die(_path: str) -> None:
            if len(env.rest.asked) == 2:
                raise SystemExit

        env.rest.mishap = die
        with pytest.raises(SystemExit):
            _scan_list(env)
        with engine.connect() as connection:  # as if it had been killed
            connection.execute(text("UPDATE passes SET ended_at = NULL, fault = NULL"))
        env.simulator.advance(1)
        assert not _scan_list(env).listed
        env.simulator.advance(list_scan.LEASE.total_seconds())
        assert _scan_list(env).listed
        assert len(env.statuses()) == 150
        assert len(env.rest.asked) == 3


def test_refused_page_restarts_the_list(engine: Engine) -> None:
    """If Twilio refuses the page token, the next scan starts at the beginning."""
    with world(engine, faults=SILENT) as env:
        env.create(150)

        def refuse_second_call(_path: str) -> None:
            if len(env.rest.asked) == 2:
                raise TwilioRefusedError(400, 20001, "pageToken is not a token of this list.")

        env.rest.mishap = refuse_second_call
        with pytest.raises(TwilioRefusedError):
            _scan_list(env)
        env.simulator.advance(60)
        assert _scan_list(env).checked == 150


def test_terminated_scan_stops_between_two_pages(engine: Engine) -> None:
    """A terminated scan is not complete, and the next one continues it."""
    with world(engine, faults=SILENT) as env:
        env.create(150)
        with pytest.raises(StoppedError):
            list(scan_list(replace(env.context, is_stopping=lambda: True)))
        assert _last_complete_scan(env) is None
        env.simulator.advance(60)
        assert _scan_list(env).checked == 50


def test_scan_stops_after_losing_its_claim(engine: Engine) -> None:
    """A scan whose claim another process took over stops and writes nothing more."""
    with world(engine, faults=SILENT) as env:
        env.create(150)

        def lose_claim(_path: str) -> None:
            with engine.connect() as connection:
                connection.execute(text("UPDATE passes SET ended_at = now()"))

        env.rest.mishap = lose_claim
        report = reconcile(env.context)
        assert report.fault
        assert "Another reconciler" in report.fault
        assert _last_complete_scan(env) is None
