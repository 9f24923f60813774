"""Tests of what the console can change: the quarantine and erasures."""

from flask import Flask
from sqlalchemy import Engine

from receiver.settings.keys import ApiKey
from receiver.store.ledger.record import record
from tests.support.callback_events import validated_event
from tests.support.console import Browser
from tests.support.environment import changed_settings
from tests.support.pages import text_of
from tests.support.stored_callbacks import callback, record_callback, stored_events

ERASER = ApiKey("ops", "ops-secret", frozenset({"console", "erase"}))
CONFIRMED = {"reason": "the caller asked for it", "confirmed": "yes"}


def _quarantine(engine: Engine, count: int) -> None:
    """Store callbacks in quarantine, which a replay applies."""
    for number in range(count):
        event = validated_event(callback(f"job{number}", sentences=[]))
        record(engine, event.quarantined("internal_error", "A fault that was fixed since."))


def test_quarantine_is_filtered(browser: Browser, engine: Engine) -> None:
    """The page lists the callbacks in quarantine by reason, time and job."""
    _quarantine(engine, 1)
    record_callback(engine, b"no JSON")
    assert "Nothing is in quarantine" not in browser.get("quarantine").text
    text = text_of(browser.get("quarantine?reason=internal_error").text)
    assert "A fault that was fixed since." in text
    assert "The body is not JSON" not in text
    nothing = text_of(browser.get("quarantine?since=2099-01-01T00:00:00Z").text)
    assert "No callback in quarantine passes this filter." in nothing
    assert browser.get("quarantine?since=yesterday").status_code == 400


def test_dry_run_writes_nothing(app: Flask, browser: Browser, engine: Engine) -> None:
    """A dry run shows what a replay would do; the replay does it."""
    _quarantine(engine, 2)
    record_callback(engine, b"no JSON")
    text = text_of(browser.post("quarantine", {"action": "check"}).text)
    assert "2 would be applied" in text
    assert "1 stays in quarantine: undecodable" in text
    assert {event.outcome for event in stored_events(app)} == {"quarantined"}
    text = text_of(browser.post("quarantine", {"action": "replay", "job": "job1"}).text)
    assert "1 applied" in text
    outcomes = [event.outcome for event in stored_events(app)]
    assert outcomes == ["quarantined", "applied", "quarantined"]


def test_replay_continues_after_the_last_one(browser: Browser, engine: Engine) -> None:
    """A replay of many callbacks is done in parts, of which each continues after the one before."""
    _quarantine(engine, 201)
    page = browser.post("quarantine", {"action": "check"}).text
    assert "200</b> would be applied" in page
    [after] = [part.partition('"')[0] for part in page.split('name="after" value="')[1:]]
    page = browser.post("quarantine", {"action": "check", "after": after}).text
    assert "1</b> would be applied" in page
    assert 'name="after"' not in page


def test_erasure_needs_the_scope(app: Flask, browser: Browser, engine: Engine) -> None:
    """A key without the scope `erase` sees no form, and can't erase."""
    record_callback(engine, callback("job", sentences=[]))
    assert "Erase this job" not in browser.get("jobs/job").text
    assert browser.post("jobs/job/erase", CONFIRMED).status_code == 403
    assert [event.erased_at for event in stored_events(app)] == [None]


def test_job_is_erased_with_a_reason(app: Flask, browser: Browser, engine: Engine) -> None:
    """A confirmed erasure with a reason erases the job, and its receipt is listed."""
    record_callback(engine, callback("job", sentences=[{"text": "Hello."}]))
    with changed_settings(app, api_keys=(ERASER,)):
        for form in ({}, {"reason": "x"}, {"reason": "", "confirmed": "yes"}):
            assert browser.post("jobs/job/erase", form).status_code == 400
        assert "Erase this job" in browser.get("jobs/job").text
        response = browser.post("jobs/job/erase", CONFIRMED)
        assert response.headers["Location"] == "/console/jobs/job"
        assert "This job was erased" in text_of(browser.get("jobs/job").text)
        assert browser.get("jobs/job/transcript").status_code == 303
        receipts = text_of(browser.get("erasures").text)
        assert browser.post("jobs/unknown/erase", CONFIRMED).status_code == 404
    assert "the caller asked for it" in receipts
    assert "complete" in receipts


def test_other_sites_change_nothing(app: Flask, browser: Browser, engine: Engine) -> None:
    """A form of another site neither replays nor erases, although the cookie comes with it."""
    _quarantine(engine, 1)
    with changed_settings(app, api_keys=(ERASER,)):
        for path, form in (("quarantine", {"action": "replay"}), ("jobs/job0/erase", CONFIRMED)):
            for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
                assert browser.post(path, form, headers).status_code == 403
    assert [event.outcome for event in stored_events(app)] == ["quarantined"]
