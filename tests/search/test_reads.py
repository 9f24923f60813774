"""Tests of what a search reads out: for whom, how much, and the audit of it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.settings.keys import ApiKey
from receiver.store.audit.access import Route
from tests.support.audit_rows import audit_rows
from tests.support.environment import changed_settings
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.searching import find, found, index, record_spoken


def test_each_job_on_the_page_is_audited(client: FlaskClient, engine: Engine) -> None:
    """Each job whose transcript was read has a row, and a search that finds nothing has none."""
    for job in ("one", "two"):
        record_spoken(engine, job, "A refund.")
    record_spoken(engine, "three", "An order.")
    index(engine)
    headers = {"X-Request-ID": "own"}
    assert client.get("/v3/Search?q=refund", headers=headers).status_code == 200
    assert client.get("/v3/Search?q=nothing").status_code == 200
    columns = ("reader", "job_id", "route", "format", "status", "request_id")
    assert sorted(audit_rows(engine, *columns)) == [
        ("reader", job, Route.SEARCH, "json", 200, "own") for job in ("one", "two")
    ]


def test_bound_key_finds_its_account_only(app: Flask, client: FlaskClient, engine: Engine) -> None:
    """A key that is bound to an account finds, and audits, the jobs of that account only."""
    record_spoken(engine, "own", "A refund.", accountId=ACCOUNT)
    record_spoken(engine, "other", "A refund.", accountId=OTHER_ACCOUNT)
    index(engine)
    key = ApiKey("bound", "reader-secret", account=ACCOUNT)
    with changed_settings(app, api_keys=(key,), search=True):
        assert found(client, "refund") == ["own"]
    assert audit_rows(engine, "reader", "job_id") == [("bound", "own")]


@pytest.mark.parametrize("change", ["erased", "expired", "replaced"])
def test_changed_transcript_is_not_shown(client: FlaskClient, engine: Engine, change: str) -> None:
    """A transcript that is gone, or without the words by now, isn't a hit before it is indexed."""
    record_spoken(engine, "job", "A refund.")
    index(engine)
    if change == "replaced":
        record_spoken(engine, "job", "An order.", updatedAt="2026-05-01T00:00:00Z")
    else:
        with engine.connect() as connection:
            connection.execute(text("UPDATE events SET body = NULL"))
    assert found(client, "refund") == []


def test_page_ends_after_half_a_megabyte(client: FlaskClient, engine: Engine) -> None:
    """A page with large transcripts is cut, and the next one goes on after it."""
    for number in range(3):
        created_at = f"2026-04-0{number + 1}T00:00:00Z"
        record_spoken(engine, f"job{number}", "so " * 100_000, "A refund.", createdAt=created_at)
    index(engine)
    answer = find(client, "refund")
    pages = []
    while True:
        pages.append([hit["transcriptionId"] for hit in answer["hits"]])
        token = answer["meta"].get("nextToken")
        if not token:
            break
        answer = client.get("/v3/Search", query_string={"pageToken": token}).get_json()
    assert pages == [["job2"], ["job1"], ["job0"]]
    assert len(audit_rows(engine, "job_id")) == 3
