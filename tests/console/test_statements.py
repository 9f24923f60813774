"""Tests of what a page costs the database: its plans, and its connections."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

from receiver.services import services_of
from receiver.settings.keys import ApiKey
from tests.support.console import Browser
from tests.support.environment import changed_settings
from tests.support.samples import ACCOUNT

PAGES = (
    *("", "jobs", "jobs?participantAddress=new", "jobs?status=FAILED", "jobs?hasTranscript=false"),
    *("missing", "quarantine", "quarantine?reason=invalid", "jobs/job7", "jobs/job100"),
)
_JOBS = """
    INSERT INTO transcriptions (id, account_id, status, created_at, updated_at, received_at,
        ended_at, first_seen_at, participants, transcript_sha256,
        key_terminal, key_updated_at, key_source, key_sha256)
    SELECT 'job' || n, :account, 'COMPLETED', at, at, at, at, at,
        jsonb_build_array(jsonb_build_object('address', 'old')),
        CASE WHEN n % 100 > 0 THEN sha256(n::text::bytea) END, 1, at, 3, ''
    FROM (SELECT n, now() - n * interval '1 minute' AS at FROM generate_series(1, 20000) AS n)
"""
_EVENTS = """
    INSERT INTO events (sha256, source, job_id, account_id, body, body_bytes, received_at,
        last_received_at, outcome, reason)
    SELECT sha256(n::text::bytea), 'callback', 'job' || n, :account, '', 0, now(), now(),
        CASE WHEN n % 20 = 0 THEN 'quarantined' ELSE 'applied' END,
        CASE WHEN n % 20 = 0 THEN 'invalid' END
    FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
def _many_jobs(engine: Engine) -> None:
    with engine.connect() as connection:
        for statement in (_JOBS, _EVENTS):
            connection.execute(text(statement), {"account": ACCOUNT})
        connection.execute(text("ANALYZE transcriptions, events"))


@pytest.fixture
def statements(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Yield the list of the application's statements with their values."""
    engine = services_of(app).engine
    sent: list[tuple[str, Any]] = []

    def record(*arguments: Any) -> None:
        _, _, statement, values, *_ = arguments
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", record)
    yield sent
    event.remove(engine, "before_cursor_execute", record)


@pytest.mark.usefixtures("_many_jobs")
@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_no_page_reads_all_rows(
    app: Flask,
    browser: Browser,
    engine: Engine,
    statements: list[tuple[str, Any]],
    account: str | None,
) -> None:
    """Each statement of each page finds its jobs and events by an index."""
    key = ApiKey("ops", "ops-secret", frozenset({"console"}), account)
    with changed_settings(app, api_keys=(key,)), engine.connect() as connection:
        for page in PAGES:
            statements.clear()
            assert browser.get(page).status_code == 200
            for statement, values in statements:
                if not statement.startswith("SELECT"):
                    continue
                explained = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
                plan = "\n".join(explained.scalars())
                for table in ("transcriptions", "events"):
                    assert f"Seq Scan on {table}" not in plan, (page, statement, plan)


@pytest.mark.usefixtures("_many_jobs")
def test_page_uses_one_connection_at_a_time(app: Flask, browser: Browser) -> None:
    """No page holds two connections, a replay included."""
    engine, in_use, most = services_of(app).engine, [0], [0]

    def take(*_: object) -> None:
        in_use[0] += 1
        most[0] = max(most[0], in_use[0])

    def give_back(*_: object) -> None:
        in_use[0] -= 1

    event.listen(engine, "checkout", take)
    event.listen(engine, "checkin", give_back)
    for page in PAGES:
        assert browser.get(page).status_code == 200
    assert browser.post("quarantine", {"action": "check"}).status_code == 200
    assert (most, in_use) == ([1], [0])
