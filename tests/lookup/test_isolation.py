"""Tests that an API key that is bound to an account reads that account's jobs only."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app import create_app
from receiver.services import services_of
from receiver.store.ledger.record import record
from schemas.transcript_files import EXTENSIONS
from tests.support.callback_events import NOON, validated_event
from tests.support.environment import ENVIRON, close_app
from tests.support.job_lists import get_ids, get_list
from tests.support.list_scans import store_scan
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.searching import found, index
from tests.support.stored_callbacks import callback, json_of, record_callback, truncate

THIRD_ACCOUNT = "AC" + "c" * 32
ACCOUNTS = (ACCOUNT, OTHER_ACCOUNT, THIRD_ACCOUNT)
JOBS = [f"job{number}" for number in range(3)]
# In every value of the account's jobs, except their ids.
MARKS = {account: f"mark{number}x" for number, account in enumerate(ACCOUNTS)}


@pytest.fixture
def bound_app(shared_app: Flask) -> Iterator[Flask]:
    """Yield the application with a key for each account, whose secret is the account's SID.

    The key `all` is bound to no account.
    """
    keys = [f"key-{number}@{account}:{account}:erase" for number, account in enumerate(ACCOUNTS)]
    database_url = services_of(shared_app).settings.database_url
    app = create_app(
        {
            **ENVIRON,
            "DATABASE_URL": database_url,
            "API_KEYS": ",".join([*keys, "all:all"]),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "SEARCH": "1",
        },
        completeness_seconds=0,
    )
    yield app
    close_app(app)


def _reader(app: Flask, account: str) -> FlaskClient:
    reader = app.test_client()
    reader.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {account}"

    return reader


@pytest.fixture
def bound_reader(bound_app: Flask) -> FlaskClient:
    """Return a client whose key is bound to the account."""
    return _reader(bound_app, ACCOUNT)


@st.composite
def _bodies(draw: st.DrawFn) -> list[bytes]:
    """Return callbacks of all accounts. Several accounts may name the same job."""
    bodies = []
    for number in range(draw(st.integers(1, 8))):
        account = draw(st.sampled_from(ACCOUNTS))
        mark = MARKS[account]
        body = {
            "id": draw(st.sampled_from(JOBS)),
            "accountId": account,
            # A mark doesn't validate as a status, so the callback is quarantined.
            "status": draw(st.sampled_from(["completed", "completed", "running", mark])),
            "conversationId": f"{mark}_conversation",
            "mediaUrl": f"https://example.com/{mark}.wav",
            "participants": [{"name": f"{mark} name", "address": f"{mark}_address"}],
            "unforeseen": f"{mark} value",
            "createdAt": (NOON + timedelta(minutes=number)).isoformat(),
        }
        if draw(st.booleans()):
            body["sentences"] = [{"text": f"{mark} said this."}]
        bodies.append(json.dumps(body).encode())

    return bodies


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_bodies())
def test_bound_key_reads_no_value_of_another_account(
    bound_app: Flask, engine: Engine, bodies: list[bytes]
) -> None:
    """On every route, a bound key reads only what its account sent; another's job is a 404."""
    truncate(engine)
    for body in bodies:
        record(engine, validated_event(body))
    index(engine)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, account_id FROM transcriptions").all()
        callbacks = connection.exec_driver_sql("SELECT id FROM events").scalars().all()
    for account in ACCOUNTS:
        reader = _reader(bound_app, account)
        own = {row.id for row in rows if row.account_id == account}
        others = {row.id for row in rows} - own
        assert set(_all_ids(reader)) == own
        statuses = {path: _get(reader, path, account).status_code for path in _paths(callbacks)}
        assert {job for job in JOBS if statuses[_job_paths(job)[0]] == 200} == own
        assert set(found(reader, "said")) <= own
        assert {statuses[path] for job in others for path in _job_paths(job)} <= {404}
        links = [reader.post(f"/v3/Transcriptions/{job}/Links") for job in others]
        assert {response.status_code for response in links} <= {404}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_bodies(), st.sampled_from(ACCOUNTS))
def test_bound_key_erases_own_jobs_only(
    bound_app: Flask, engine: Engine, bodies: list[bytes], account: str
) -> None:
    """A bound key that may erase erases its account's jobs; another's are a 404, and stay."""
    truncate(engine)
    for body in bodies:
        record(engine, validated_event(body))
    before = _jobs(engine)
    reader = _reader(bound_app, account)
    statuses = {job: reader.delete(f"/v3/Transcriptions/{job}").status_code for job in before}
    after = _jobs(engine)
    for job, row in before.items():
        if row.account_id == account:
            assert statuses[job] == 204
            assert after[job].erased_at
            assert MARKS[account] not in repr(after[job])
        else:
            assert statuses[job] == 404
            assert after[job] == row


def _jobs(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        return {row.id: row for row in connection.exec_driver_sql("SELECT * FROM transcriptions")}


def _job_paths(job: str) -> list[str]:
    path = f"/v3/Transcriptions/{job}"

    files = [f"{path}/Transcript.{extension}" for extension in EXTENSIONS.values()]

    return [path, f"{path}/Transcript", f"{path}/Callbacks", *files]


def _paths(callbacks: Sequence[int]) -> list[str]:
    """Return the paths of every route that reads jobs, with every job and callback."""
    return [
        "/v3/Transcriptions?pageSize=2",
        "/v3/Transcriptions?hasTranscript=true",
        *(f"/v3/Transcriptions?conversationId={mark}_conversation" for mark in MARKS.values()),
        *(f"/v3/Transcriptions?participantAddress={mark}_address" for mark in MARKS.values()),
        "/v3/Changes",
        "/v3/Changes?cursor=now",
        "/v3/Completeness",
        "/v3/Export",
        "/v3/Export?format=csv",
        "/v3/Search?q=said",
        *(f"/v3/Search?q={mark}" for mark in MARKS.values()),
        *(path for job in JOBS for path in _job_paths(job)),
        *(f"{_job_paths(job)[2]}/{number}/Body" for job in JOBS for number in callbacks),
    ]


def _get(reader: FlaskClient, path: str, account: str) -> TestResponse:
    """Return the response; it has no value of another account."""
    response = reader.get(path)
    body = response.get_data(as_text=True)
    for other in set(ACCOUNTS) - {account}:
        assert MARKS[other] not in body, path
        assert other not in body, path

    return response


def _all_ids(reader: FlaskClient) -> list[str]:
    page = get_list(reader, pageSize=1)
    ids = [job["id"] for job in page["transcriptions"]]
    while token := page["meta"].get("nextToken"):
        page = get_list(reader, pageToken=token)
        ids += [job["id"] for job in page["transcriptions"]]

    return ids


def test_token_of_another_key_shows_own_jobs_only(bound_app: Flask, engine: Engine) -> None:
    """A page token of another account's key continues among the key's own jobs."""
    for number in range(6):
        account = ACCOUNTS[number % 2]
        created_at = (NOON + timedelta(minutes=number)).isoformat()
        record_callback(engine, callback(f"job{number}", accountId=account, createdAt=created_at))
    own, other = (_reader(bound_app, account) for account in ACCOUNTS[:2])
    token = get_list(other, pageSize=1)["meta"]["nextToken"]
    assert get_ids(own, pageToken=token) == ["job4"]
    assert get_ids(other, pageToken=token) == ["job3"]


def test_completeness_counts_own_jobs(bound_app: Flask, engine: Engine) -> None:
    """The figures are of the key's account, and `since` is null but for TWILIO_ACCOUNT_SID."""
    record_callback(engine, callback("one", sentences=[{"text": "Hello."}]))
    record_callback(engine, callback("two"))
    record_callback(engine, callback("three", accountId=OTHER_ACCOUNT))
    store_scan(engine)
    own, other, third = (
        json_of(_reader(bound_app, account).get("/v3/Completeness")) for account in ACCOUNTS
    )
    assert (own["completed"], own["withTranscript"], own["missing"]) == (2, 1, 1)
    assert (other["completed"], other["withTranscript"], other["missing"]) == (1, 0, 1)
    assert (third["completed"], third["oldestMissingAt"]) == (0, None)
    assert [figures["since"] is None for figures in (own, other, third)] == [False, True, True]


def test_callback_that_another_accounts_key_signed_is_not_shown(
    bound_reader: FlaskClient, bound_app: Flask, engine: Engine
) -> None:
    """A quarantined account mismatch is not the account's own, although its body claims so."""
    record_callback(engine, callback("job"))
    event = validated_event(callback("job", status="failed"))
    mismatch = event.quarantined("account_mismatch", "It was signed with another key.")
    recorded = record(engine, mismatch)
    listed = json_of(bound_reader.get("/v3/Transcriptions/job/Callbacks"))["callbacks"]
    assert [row["outcome"] for row in listed] == ["applied"]
    path = f"/v3/Transcriptions/job/Callbacks/{recorded.id}/Body"
    assert bound_reader.get(path).status_code == 404
    assert _reader(bound_app, "all").get(path).data == mismatch.body


def test_every_read_route_is_tested_here(shared_app: Flask) -> None:
    """A new route of the read API must be added to the paths of the tests in this module."""
    rules = {
        rule.rule
        for rule in shared_app.url_map.iter_rules()
        if rule.endpoint.startswith(("lookup.", "changes.", "export.", "search."))
    }
    assert rules == {
        "/v3/Transcriptions",
        "/v3/Transcriptions/<job_id>",
        "/v3/Transcriptions/<job_id>/Transcript",
        *(f"/v3/Transcriptions/<job_id>/Transcript.{each}" for each in EXTENSIONS.values()),
        "/v3/Transcriptions/<job_id>/Links",
        "/v3/Transcriptions/<job_id>/Callbacks",
        "/v3/Transcriptions/<job_id>/Callbacks/<callback_id>/Body",
        "/v3/Changes",
        "/v3/Completeness",
        "/v3/Export",
        "/v3/Search",
    }
