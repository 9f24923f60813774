"""Tests of the alerts and the dashboard in deploy/, with Prometheus itself."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask
from sqlalchemy import text

from app import create_app
from receiver.services import services_of
from receiver.spool.folder import Spool
from tests.support.app import Reader, Twilio
from tests.support.callback_events import received_event
from tests.support.environment import KEY, close_app, serve_app
from tests.support.list_scans import store_scan
from tests.support.paths import ROOT
from tests.support.prometheus import program, prometheus
from tests.support.push_receiver import SECRET, PushReceiver
from tests.support.searching import index
from tests.support.stored_callbacks import callback, record_callback
from tests.support.waiting import wait_until
from tests.test_docs import heading_anchors

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
ALERT_TESTS = Path(__file__).with_name("alerts.test.yml")
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"


def _rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]

    return list(group["rules"])


def _queries() -> list[str]:
    """Return the dashboard's queries, with an interval instead of Grafana's variable."""
    panels = json.loads(DASHBOARD.read_text())["panels"]

    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in panels
        for target in panel["targets"]
    ]


def test_alerts_fire_when_they_should() -> None:
    """Promtool runs the alerts' tests."""
    done = subprocess.run(
        [program("promtool"), "test", "rules", ALERT_TESTS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested() -> None:
    """Each alert fires in one test, and doesn't while nothing is wrong."""
    healthy, broken = yaml.safe_load(ALERT_TESTS.read_text())["tests"]
    names = {rule["alert"] for rule in _rules()}
    assert {case["alertname"] for case in healthy["alert_rule_test"]} == names
    assert {
        case["alertname"] for case in broken["alert_rule_test"] if case.get("exp_alerts")
    } == names


def test_each_alert_names_a_heading() -> None:
    """Each alert names the page and the heading that say what to do."""
    for rule in _rules():
        page, _, anchor = rule["annotations"]["docs"].partition("#")
        assert anchor in heading_anchors(ROOT / page), rule["alert"]


@pytest.fixture
def environ(environ: dict[str, str], spool: Spool) -> dict[str, str]:
    """Set a spool folder, the search, and an endpoint of push to which nothing was ever sent."""
    push = PushReceiver(secrets=[SECRET], url="https://orders.example.com/hook").environ()

    return environ | {"SPOOL_DIR": str(spool.path), "SEARCH": "1", **push}


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield the application, which makes a page for each scrape."""
    app = create_app(environ, metrics_seconds=0.2)
    yield app
    close_app(app)


@pytest.fixture
def busy_app(app: Flask, twilio: Twilio) -> Flask:
    """Return the application after something of each kind has happened."""
    parts = services_of(app)
    record_callback(parts.engine, callback("voice_transcription_missing"))
    assert twilio.call(callback("voice_transcription_1")).status_code == 204
    assert twilio.call(b"no JSON").status_code == 204
    assert twilio.call(callback("voice_transcription_1"), secret="wrong").status_code == 403
    assert parts.spool
    parts.spool.put(received_event(callback("voice_transcription_2")))
    parts.spool.list_files()
    store_scan(parts.engine)
    with parts.engine.connect() as connection:
        connection.execute(text("INSERT INTO rejected_not_kept VALUES ('full', 1, now(), now())"))
    index(parts.engine)
    parts.metrics.write()

    return app


@pytest.mark.usefixtures("busy_app")
def test_names_are_those_of_the_code(read: Reader) -> None:
    """Each metric that the alerts and the dashboard name is on the page."""
    page = read("/metrics").text
    sources = (ALERTS, ALERT_TESTS, DASHBOARD, ROOT / "docs" / "watching.md")
    named = {name for path in sources for name in re.findall("receiver_[a-z_]+", path.read_text())}
    shown = set(re.findall("^(receiver_[a-z_]+)", page, re.MULTILINE))
    histograms = set(re.findall("^# TYPE (.*) histogram$", page, re.MULTILINE))
    assert named <= shown | histograms
    documented = set(re.findall("receiver_[a-z_]+", sources[-1].read_text()))
    assert set(re.findall("^# TYPE ([a-z_]+) ", page, re.MULTILINE)) <= documented


def test_queries_have_results(busy_app: Flask, tmp_path: Path) -> None:
    """Each query of the dashboard has a result on a real scrape, and each alert is valid."""
    parts = services_of(busy_app)
    with (
        serve_app(busy_app, threaded=True) as origin,
        prometheus(urlsplit(origin).netloc, KEY[1], tmp_path) as running,
    ):

        def has_results() -> bool:
            parts.metrics.write()
            missing = [query for query in _queries() if not running.query(query)]

            return not missing

        wait_until(has_results)
        for rule in _rules():
            running.query(rule["expr"])
