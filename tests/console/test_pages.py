"""Tests of the pages: what they show of the stored jobs, and that no data becomes markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy import text as sql

from receiver.store.event import Event
from receiver.store.ledger.record import record
from tests.support.audit_rows import audit_rows
from tests.support.bodies import bodies
from tests.support.callback_events import validated_event
from tests.support.console import Browser
from tests.support.pages import text_of
from tests.support.samples import COMPLETED, JOB
from tests.support.store_events import make_event
from tests.support.stored_callbacks import callback, record_callback, truncate

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title></textarea></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "javascript:alert(1)",
    "&lt;script&gt;",
    "\u202eevil\u0000",
)


def _text(browser: Browser, path: str, *, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status, response.text

    return text_of(response.text)


def _lost(job: str, **head: Any) -> Event:
    now = datetime.now(UTC)
    head = {"status": "COMPLETED", "updated_at": now - timedelta(days=1), **head}

    return replace(make_event(head, source="fetch", job=job), received_at=now)


def test_list_has_the_filters_of_the_api(browser: Browser, engine: Engine) -> None:
    """The list finds a call by a phone number; an empty field is no filter."""
    record_callback(engine, COMPLETED)
    record_callback(engine, callback("other"))
    assert JOB in _text(browser, "jobs")
    found = browser.get("jobs?participantAddress=%2B15551234567&status=&languageCode=")
    assert found.headers["Location"] == "/console/jobs?participantAddress=%2B15551234567"
    written = browser.get("jobs?participantAddress=%2B1+(555)+123-4567")  # as a caller writes it
    assert written.headers["Location"] == found.headers["Location"]
    text = _text(browser, "jobs?participantAddress=%2B15551234567")
    assert JOB in text
    assert "other" not in text
    assert "No job passes these filters." in _text(browser, "jobs?status=PENDING")


def test_invalid_filter_is_explained_at_its_field(browser: Browser) -> None:
    """An invalid filter is a 400 with the error at its field, and an unknown one is named."""
    response = browser.get("jobs?createdAfter=yesterday&status=x")
    assert response.status_code == 400
    assert 'id="createdAfter-error">Must be a time' in response.text
    assert 'id="status-error">Must be one of' in response.text
    assert 'value="yesterday"' in response.text
    assert "nothing: " in _text(browser, "jobs?nothing=1", status=400)


def test_list_has_pages(browser: Browser, engine: Engine) -> None:
    """The links of a page lead to the next one and back."""
    for number in range(3):
        record_callback(engine, callback(f"job{number}"))
    first = browser.get("jobs?pageSize=2").text
    assert "job2" in first
    assert "job0" not in first
    following = first.partition('rel="next" href="/console/')[2].partition('"')[0]
    second = browser.get(following).text
    assert "job0" in second
    previous = second.partition('rel="prev" href="/console/')[2].partition('"')[0]
    assert "job2" in browser.get(previous).text


def test_job_has_its_timeline(browser: Browser, engine: Engine) -> None:
    """The page of a job shows everything that was received for it, with its outcome."""
    record_callback(engine, callback("job", status="running"))
    record_callback(engine, callback("job", sentences=[{"text": "Hello."}]))
    record_callback(engine, callback("job", status="unforeseen"))
    text = _text(browser, "jobs/job")
    assert "The transcript is stored" in text
    assert text.count("Callback received") == 3
    assert "in quarantine: invalid" in text
    assert "is not known here" in _text(browser, "jobs/unknown", status=404)


def test_missing_transcript_is_explained(browser: Browser, engine: Engine) -> None:
    """A missing transcript has its cause and what to do, on its page and among the missing."""
    record(engine, _lost("job"))
    text = _text(browser, "jobs/job")
    assert "The transcript is missing: no callback was received" in text
    assert "change it there" in text
    assert "No callback was received: 1 job" in _text(browser, "missing")
    record_callback(engine, callback("job", status="unforeseen"))
    assert "Show its callbacks in quarantine" in _text(browser, "jobs/job")


def test_missing_page_has_missing_jobs_only(browser: Browser, engine: Engine) -> None:
    """Jobs with a transcript, running and failed jobs are not missing."""
    record_callback(engine, callback("here", sentences=[]))
    record_callback(engine, callback("running", status="running"))
    record_callback(engine, callback("failed", status="failed"))
    assert "No transcript is missing." in _text(browser, "missing")
    record_callback(engine, callback("gone"))
    text = _text(browser, "missing")
    assert "The callback had no transcript: 1 job" in text
    assert "gone" in text


def test_transcript_is_read_and_audited(browser: Browser, engine: Engine) -> None:
    """The reader shows who said what when, links to each sentence, and leaves a row of audit."""
    record_callback(engine, COMPLETED)
    for _ in range(2):  # the second time, the worker has the rendering
        page = browser.get(f"jobs/{JOB}/transcript").text
        assert "Jane Doe 0:00 Hi, I am calling about the order" in text_of(page)
        assert 'id="s1"' in page
    assert audit_rows(engine, "reader", "job_id", "route", "status") == [
        ("ops", JOB, "console", 200),
        ("ops", JOB, "console", 200),
    ]
    with engine.connect() as connection:
        connection.execute(sql("UPDATE events SET body = NULL"))
    assert browser.get(f"jobs/{JOB}/transcript").status_code == 303
    assert len(audit_rows(engine, "reader")) == 2


def test_job_without_transcript_has_no_reader(browser: Browser, engine: Engine) -> None:
    """The reader of a job without a transcript leads to the page that says why."""
    record_callback(engine, callback("job"))
    assert browser.get("jobs/job/transcript").headers["Location"] == "/console/jobs/job"
    assert audit_rows(engine, "reader") == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies())
def test_no_body_becomes_markup(browser: Browser, engine: Engine, body: bytes) -> None:
    """Whatever a signed body contains, each page has its own elements only, and no error."""
    truncate(engine)
    event = validated_event(body)
    record(engine, event)
    pages = ["", "jobs", "missing", "quarantine"]
    if event.job_id:
        pages += [f"jobs/{event.job_id}", f"jobs/{event.job_id}/transcript"]
    for page in pages:
        response = browser.get(page)
        assert response.status_code in {200, 303, 404}, page
        text_of(response.text)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_hostile_texts_stay_texts(browser: Browser, engine: Engine, data: st.DataObject) -> None:
    """Names, addresses, sentences and ids that look like markup are shown as they are."""
    text = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=20)
    name, address, sentence = (data.draw(text) for _ in range(3))
    truncate(engine)
    body = callback(
        "job",
        participants=[{"name": name, "address": address, "type": name, "audioChannelIndex": 1}],
        sentences=[{"text": sentence, "audioChannelIndex": 1}],
        conversationId=name,
        sourceId=address,
        error=sentence,
    )
    record_callback(engine, body)
    for page in ("", "jobs", "jobs/job", "jobs/job/transcript"):
        text_of(browser.get(page).text)


def test_markup_in_a_sentence_is_shown(browser: Browser, engine: Engine) -> None:
    """A sentence that looks like markup can be read."""
    record_callback(engine, callback("job", sentences=[{"text": text} for text in HOSTILE[:4]]))
    text = _text(browser, "jobs/job/transcript")
    assert all(" ".join(hostile.split()) in text for hostile in HOSTILE[:4])


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_query_stays_text(browser: Browser, stranger: Browser, hostile: str) -> None:
    """A query that looks like markup is shown as it is, and never an error of the service."""
    for client in (browser, stranger):
        for path in ("jobs", "sign-in", "quarantine", "missing"):
            response = client.client.get(
                f"/console/{path}",
                base_url="https://app.example.com",
                query_string={"next": hostile, "status": hostile, hostile: hostile},
            )
            assert response.status_code in {200, 303, 400}, (path, response.text)
            text_of(response.text)
