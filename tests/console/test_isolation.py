"""Tests that a key that is bound to an account sees and touches that account only."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import create_app
from receiver.store.ledger.record import record
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.write import store_rejected
from tests.support.callback_events import validated_event
from tests.support.console import Browser
from tests.support.environment import close_app
from tests.support.pages import text_of
from tests.support.rejections import make_rejected
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.stored_callbacks import callback, record_callback, stored_events

SENTENCES = [{"text": "othermark said this."}]


@pytest.fixture
def bound_app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield the application with a key for one account, which may also erase."""
    app = create_app(environ | {"API_KEYS": f"own@{ACCOUNT}:own-secret:console+erase"})
    yield app
    close_app(app)


@pytest.fixture
def bound(bound_app: Flask) -> Browser:
    """Return a browser that is signed in with the bound key."""
    browser = Browser(bound_app.test_client())
    assert browser.sign_in("own", "own-secret").status_code == 303

    return browser


@pytest.fixture
def _stored(engine: Engine) -> None:
    """Store a job of each account, callbacks in quarantine of both, and a rejected request."""
    record_callback(engine, callback("owned", status="failed"))
    for job in ("othermark", "othermark2"):
        record_callback(engine, callback(job, accountId=OTHER_ACCOUNT, sentences=SENTENCES))
    record_callback(engine, callback("othermark3", accountId=OTHER_ACCOUNT, status="completed"))
    record_callback(engine, callback("othermark", accountId=OTHER_ACCOUNT, status="unforeseen"))
    mismatch = validated_event(callback("othermark4"))
    record(engine, mismatch.quarantined("account_mismatch", "Signed with another account's key."))
    record_callback(engine, callback("othermark2", status="unforeseen"))
    record_callback(engine, callback("owned", status="unforeseen"))
    store_rejected(engine, make_rejected(1, account=OTHER_ACCOUNT), Quotas(frozenset()))


PAGES = {
    "": 200,
    "jobs": 200,
    "jobs?status=COMPLETED": 200,
    "missing": 200,
    "quarantine": 200,
    "quarantine?job=othermark": 200,
    "erasures": 200,
    "rejected": 403,
    "jobs/owned": 200,
    "jobs/othermark": 404,
    "jobs/othermark/transcript": 404,
    "jobs/othermark4": 404,
}


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(("path", "status"), PAGES.items())
def test_page_shows_own_account_only(bound: Browser, path: str, status: int) -> None:
    """No page shows a value of another account, and another account's job is a 404."""
    response = bound.get(path)
    assert response.status_code == status
    page = re.sub('value="othermark"|othermark4? is not known', "", response.text)
    assert "othermark" not in page
    assert OTHER_ACCOUNT not in page
    assert f"for the account {ACCOUNT} only" in text_of(response.text)


@pytest.mark.usefixtures("_stored")
def test_replay_takes_own_callbacks_only(bound: Browser, bound_app: Flask) -> None:
    """A replay touches the callbacks of the key's account only."""
    for action in ("check", "replay"):
        response = bound.post("quarantine", {"action": action})
        assert response.status_code == 200
        assert "othermark" not in response.text
        assert "owned" in response.text
    assert [event.outcome for event in stored_events(bound_app)[-4:]] == ["quarantined"] * 4


@pytest.mark.usefixtures("_stored")
def test_other_accounts_job_is_not_erased(bound: Browser, bound_app: Flask) -> None:
    """Another account's job can't be erased, and the answer is that of an unknown job."""
    form = {"reason": "requested", "confirmed": "yes"}
    assert bound.post("jobs/othermark/erase", form).status_code == 404
    assert bound.post("jobs/owned/erase", form).status_code == 303
    erased = {event.job_id for event in stored_events(bound_app) if event.erased_at}
    assert erased == {"owned"}


def test_every_page_is_tested_here(app: Flask) -> None:
    """A new page must be added to the tests of this module."""
    rules = {
        rule.rule.removeprefix("/console/")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("console.")
    }
    assert rules == {
        *("", "jobs", "jobs/<job_id>", "jobs/<job_id>/transcript", "jobs/<job_id>/erase"),
        *("missing", "quarantine", "rejected", "erasures"),
        # These show nothing that is stored.
        *("console.css", "sign-in", "sign-out", "<path:_path>"),
    }
