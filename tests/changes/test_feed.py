"""Tests of the feed over HTTP: pages, cursors, and what a change shows."""

import base64

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.consumer import Consumer
from tests.support.environment import KEY
from tests.support.stored_callbacks import callback, json_of, record_callback

TEN_JOBS = [f"job{number}" for number in range(10)]


@pytest.mark.both_postgres
def test_each_job_is_sent_once_in_the_order_of_its_change(
    engine: Engine, consumer: Consumer
) -> None:
    """A consumer gets all jobs in pages, and after that only what changes."""
    for job in TEN_JOBS:
        record_callback(engine, callback(job, status="running"))
    assert consumer.catch_up() == TEN_JOBS
    assert consumer.catch_up() == []
    record_callback(engine, callback("job3", sentences=[{"text": "Hello."}]))
    assert consumer.catch_up() == ["job3"]
    assert consumer.jobs["job3"]["status"] == "COMPLETED"
    assert consumer.jobs["job3"]["transcript"]["available"]


def test_now_begins_with_what_changes_from_now_on(engine: Engine, client: FlaskClient) -> None:
    """The cursor `now` skips what is stored already."""
    record_callback(engine, callback("before"))
    consumer = Consumer(client, cursor="now")
    assert consumer.catch_up() == []
    record_callback(engine, callback("after"))
    assert consumer.catch_up() == ["after"]


def test_cursor_without_news_stays_the_same(engine: Engine, consumer: Consumer) -> None:
    """A page without changes has the cursor that was sent, and an ETag that a client can use."""
    record_callback(engine, callback("job"))
    consumer.catch_up()
    cursor = consumer.cursor
    assert consumer.read_page() == {
        "key": "changes",
        "pageSize": 0,
        "nextCursor": cursor,
        "more": False,
    }


@pytest.mark.both_postgres
def test_job_that_changes_during_a_sweep_is_sent_in_the_next(
    engine: Engine, consumer: Consumer
) -> None:
    """A sweep ends with what was there at its start, and `more` says that there is more."""
    for job in TEN_JOBS[:6]:
        record_callback(engine, callback(job, status="running"))
    assert consumer.read_page()["more"]
    record_callback(engine, callback("job0"))
    record_callback(engine, callback("job5"))
    assert consumer.catch_up() == ["job3", "job4", "job0", "job5"]
    assert {consumer.jobs[job]["status"] for job in ("job0", "job5")} == {"COMPLETED"}


@pytest.mark.parametrize(
    "document",
    [
        b"no cursor",
        b"[" * 4_000,
        b"{}",
        b'{"v":1,"h":"x","since":[]}',
        b'{"v":1,"h":"x","since":[5,6]}',
        b'{"v":1,"h":"x","since":["1"]}',
        b'{"v":1,"h":"x","since":[9223372036854775808]}',
        b'{"v":1,"h":"x","since":[1],"until":[2]}',
        b'{"v":1,"h":"x","since":[1],"until":[2],"writer":1,"id":"\\u0000"}',
        b'{"v":0,"h":"x","since":[1]}',
        b'{"v":true,"h":"x","since":[1]}',
    ],
)
def test_invalid_cursor_is_refused(client: FlaskClient, document: bytes) -> None:
    """What isn't a cursor of this feed is a 400 that names the parameter."""
    cursor = base64.urlsafe_b64encode(document).decode().rstrip("=")
    response = client.get("/v3/Changes", query_string={"cursor": cursor}, auth=KEY)
    assert response.status_code == 400
    assert json_of(response)["errors"][0]["pointer"] == "#/cursor"


def test_cursor_of_a_newer_release_is_gone(client: FlaskClient) -> None:
    """After a rollback, a cursor of the later release is a 410 that says to start anew."""
    cursor = base64.urlsafe_b64encode(b'{"v":2,"place":"elsewhere"}').decode()
    response = client.get("/v3/Changes", query_string={"cursor": cursor}, auth=KEY)
    assert response.status_code == 410
    assert "Start anew without a cursor" in json_of(response)["detail"]
