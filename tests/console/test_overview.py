"""Tests of the overview: whether anything is wrong, the figures, and an absent database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import create_app
from dev.postgres import Server
from receiver.console.chart import make_chart
from receiver.console.words import ago
from receiver.metrics.figures import Counting, refresh_figures
from receiver.privacy.target import Target
from receiver.runtime.concurrency_limit import ConcurrencyLimit
from receiver.services import services_of
from receiver.store.engine import transactional
from receiver.store.ledger.record import record
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.support import signing
from tests.support.app import Twilio
from tests.support.console import Browser
from tests.support.environment import PUBLIC_URL, ROUTE, TOKEN, close_app
from tests.support.erasures import erase_target
from tests.support.list_scans import store_scan
from tests.support.metrics import value
from tests.support.pages import text_of
from tests.support.postgres import refusing_connections
from tests.support.rejections import make_rejected
from tests.support.samples import COMPLETED, JOB
from tests.support.store_events import make_event
from tests.support.stored_callbacks import callback, record_callback

NOW = datetime(2026, 4, 2, 12, 30, tzinfo=UTC)
NO_TIME = timedelta(0)


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield an application that reads the figures anew for each page."""
    app = create_app(environ, metrics_seconds=0)
    yield app
    close_app(app)


def _count(engine: Engine, *, grace: timedelta = NO_TIME) -> None:
    refresh_figures(
        engine,
        ConcurrencyLimit(1),
        counting=Counting(grace),
        max_age=NO_TIME,
        statement_seconds=5.0,
    )


def _overview(browser: Browser) -> str:
    response = browser.get()
    assert response.status_code == 200

    return text_of(response.text)


def test_new_service_says_what_to_configure(browser: Browser) -> None:
    """Without a job, the overview names the URL that Twilio must call."""
    page = _overview(browser)
    assert "No job is known yet" in page
    assert f"{PUBLIC_URL}{ROUTE}" in page


def test_everything_in_order(browser: Browser, engine: Engine) -> None:
    """With all transcripts and a recent pass, everything is in order; the newest job is shown."""
    record_callback(engine, COMPLETED, at=datetime.now(UTC))
    store_scan(engine)
    _count(engine)
    page = _overview(browser)
    assert "Everything is in order" in page
    assert "100 % 1 transcript of 1 job counted" in page
    assert JOB in page


def test_completeness_counts_only_what_should_be_stored(browser: Browser, engine: Engine) -> None:
    """What was erased, or is stored under another job, doesn't make the transcripts incomplete."""
    for job in ("here", "resubmitted", "gone"):
        record_callback(engine, callback(job, sentences=[], updatedAt=NOW.isoformat()))
    for job in ("replaced", "missing"):
        record_callback(engine, callback(job, updatedAt=NOW.isoformat()))
    now = datetime.now(UTC)
    record_callback(engine, callback("late", updatedAt=now.isoformat()), at=now)
    erase_target(engine, Target("job", "gone"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO submissions (idempotency_key, request, submitted_by, created_at,"
                " asked_at, job_id)"
                " VALUES ('resubmit-replaced', '{}', 'me', now(), now(), 'resubmitted')"
            )
        )
    _count(engine, grace=timedelta(hours=1))
    page = _overview(browser)
    assert "50.0 % 2 transcripts of 6 jobs, 1 erased, 1 replaced, 1 awaited" in page
    for job in ("missing", "late"):
        erase_target(engine, Target("job", job))
    _count(engine)
    assert "100 % 2 transcripts of 6 jobs, 3 erased, 1 replaced" in _overview(browser)


def test_all_jobs_are_erased(browser: Browser, engine: Engine) -> None:
    """Without a job that should have a transcript, there is no share of them."""
    record_callback(engine, callback("gone", sentences=[]))
    erase_target(engine, Target("job", "gone"))
    _count(engine)
    assert "Completeness \u2013 0 transcripts of 1 job, 1 erased" in _overview(browser)


def test_missing_transcripts_come_first(browser: Browser, engine: Engine) -> None:
    """Missing transcripts are the headline; what is less serious follows."""
    record_callback(engine, callback("job", updatedAt=datetime.now(UTC).isoformat()))
    record_callback(engine, b"no JSON")
    _count(engine)
    page = _overview(browser)
    assert page.index("1 transcript is missing") < page.index("1 callback is in quarantine")
    assert "Lost jobs may go unnoticed" in page


def test_lost_callbacks_are_no_order(browser: Browser, engine: Engine) -> None:
    """If a transcript came from a conversation, the overview says that its callback was lost."""
    at = datetime.now(UTC)
    head = {"status": "COMPLETED", "updated_at": at, "sentences": 2}
    record(engine, replace(make_event(head, source="conversation"), received_at=at))
    store_scan(engine)
    _count(engine)
    assert "1 callback of the last 7 days was lost" in _overview(browser)


def test_figures_are_not_counted_for_a_page(browser: Browser, engine: Engine) -> None:
    """The figures are those of the metrics: they change when these are computed."""
    record_callback(engine, callback("job"))
    assert "Nothing is counted yet" in _overview(browser)
    _count(engine)
    assert "1 transcript is missing" in _overview(browser)
    record_callback(engine, callback("job2"))
    assert "1 transcript is missing" in _overview(browser)


def test_rejected_callback_of_the_first_day(browser: Browser, engine: Engine) -> None:
    """If only rejected requests arrived, that is the headline."""
    store_rejected(engine, make_rejected(1), Quotas(frozenset()))
    _count(engine)
    assert "A request was rejected, and no callback was ever applied" in _overview(browser)


def test_last_figures_while_the_database_is_away(
    browser: Browser, engine: Engine, postgres: Server
) -> None:
    """While the database is away, the overview shows the last figures and since when it is."""
    record_callback(engine, callback("job"))
    _count(engine)
    assert "1 transcript is missing" in _overview(browser)
    assert engine.url.database
    engine.dispose()
    with refusing_connections(postgres, engine.url.database):
        page = _overview(browser)
    assert "The database doesn't answer" in page
    assert "It last answered" in page
    assert "Missing transcripts 1" in page


def test_last_figures_while_their_table_is_locked(browser: Browser, engine: Engine) -> None:
    """While the table of the figures can't be read, the overview shows the last ones."""
    record_callback(engine, callback("job"))
    _count(engine)
    assert "1 transcript is missing" in _overview(browser)
    with transactional(engine).begin() as locking:
        locking.execute(text("LOCK TABLE metric_figures"))
        page = _overview(browser)
    assert "The table metric_figures can't be read" in page
    assert "Missing transcripts 1" in page


def test_database_that_refuses_writes(app: Flask, browser: Browser, engine: Engine) -> None:
    """While the database answers but refuses writes, that is the headline."""
    record_callback(engine, callback("job"))
    _count(engine)
    metrics = services_of(app).metrics
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE metric_workers RENAME TO metric_workers_away"))
        connection.execute(
            text(
                "CREATE VIEW metric_workers AS"
                " SELECT * FROM metric_workers_away WHERE pg_backend_pid() > 0 LIMIT 9"
            )
        )
    try:
        metrics.write()
        page = _overview(browser)
        prometheus = metrics.page().decode()
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP VIEW metric_workers"))
            connection.execute(text("ALTER TABLE metric_workers_away RENAME TO metric_workers"))
    assert page.index("The database stores nothing") < page.index("1 transcript is missing")
    assert value(prometheus, "receiver_database_up") == 1
    assert value(prometheus, "receiver_database_writable") == 0
    assert value(prometheus, "receiver_workers") == 1
    metrics.write()
    assert "The database stores nothing" not in _overview(browser)


@pytest.mark.thorough  # it waits for the whole lock timeout
def test_figures_while_a_table_is_locked(browser: Browser, engine: Engine) -> None:
    """While another session locks the jobs, the overview shows the figures and says so."""
    record_callback(engine, callback("job"))
    _count(engine)
    with transactional(engine).connect() as locking, locking.begin():
        locking.execute(text("LOCK TABLE transcriptions"))
        page = _overview(browser)
    assert "The database is too slow to show jobs" in page
    assert "Missing transcripts 1" in page


def test_wrong_public_url_is_found(app: Flask, twilio: Twilio, browser: Browser) -> None:
    """The page of rejected requests names the PUBLIC_URL that would verify them."""
    origin = "https://real.example.com"
    url, headers = signing.callback(f"{origin}{ROUTE}", TOKEN, COMPLETED)
    response = twilio.client.post(
        url.removeprefix(origin),
        data=COMPLETED,
        headers=headers | {"Content-Type": "application/json", "Host": "real.example.com"},
    )
    assert response.status_code == 403
    services_of(app).rejected.flush()
    page = text_of(browser.get("rejected").text)
    assert "verifies if PUBLIC_URL is https://real.example.com" in page
    assert JOB in page


def test_chart_has_every_hour() -> None:
    """The chart has the last 24 hours, and its highest bar fits."""
    hour = NOW.replace(minute=0)
    chart = make_chart(
        {
            f"received {hour.timestamp():.0f}": 30.0,
            f"missing {hour.timestamp():.0f}": 12.0,
            f"received {(hour - timedelta(hours=23)).timestamp():.0f}": 1.0,
            f"received {(hour - timedelta(hours=24)).timestamp():.0f}": 999.0,
        },
        NOW,
    )
    assert (len(chart.bars), chart.top) == (24, 50)
    assert (chart.bars[-1].received, chart.bars[-1].missing, chart.bars[0].received) == (30, 12, 1)
    assert chart.bars[-1].received_height + chart.bars[-1].missing_height == 84.0
    assert not make_chart({}, NOW).has_bars


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7_200, "2 h ago"),
        (172_800, "2 days ago"),
        (-300, "in 5 min"),
    ],
)
def test_relative_times(seconds: int, expected: str) -> None:
    """A time is written in its largest unit."""
    assert ago(NOW - timedelta(seconds=seconds), NOW) == expected
