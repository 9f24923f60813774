"""Tests of the log lines of reads and submissions."""

import logging
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.simulator.server import serve
from tests.support.environment import KEY
from tests.support.samples import COMPLETED, JOB
from tests.support.simulator.account import BY_RECORDING, simulated
from tests.support.stored_callbacks import json_of, record_callback
from tests.support.submitting import SETTINGS, create, open_app

ROUTE = "/v3/Transcriptions"
OWN_FIELDS = ("key", "method", "route", "job", "callback", "answered")


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of the lines about requests of API clients."""
    lines = [vars(record) for record in caplog.records if record.message == "request answered"]
    assert all(0 <= line["seconds"] < 60 for line in lines)

    return [{name: line[name] for name in OWN_FIELDS if name in line} for line in lines]


def test_each_read_is_logged(
    client: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Each read has a line with the key's name, the route, the job and the status."""
    record_callback(engine, COMPLETED)
    reads = {
        ROUTE: (ROUTE, {}, 200),
        f"{ROUTE}?status=x": (ROUTE, {}, 400),
        f"{ROUTE}/{JOB}": (f"{ROUTE}/<job_id>", {"job": JOB}, 200),
        f"{ROUTE}/{JOB}/Transcript": (f"{ROUTE}/<job_id>/Transcript", {"job": JOB}, 200),
        f"{ROUTE}/other/Callbacks": (f"{ROUTE}/<job_id>/Callbacks", {"job": "other"}, 404),
        f"{ROUTE}/{JOB}/Callbacks/1/Body": (
            f"{ROUTE}/<job_id>/Callbacks/<callback_id>/Body",
            {"job": JOB, "callback": "1"},
            200,
        ),
        "/v3/Completeness": ("/v3/Completeness", {}, 200),
    }
    for path in reads:
        client.get(path, auth=KEY)
    expected = [
        {"key": KEY[0], "method": "GET", "route": route, **ids, "answered": status}
        for route, ids, status in reads.values()
    ]
    assert _lines(caplog) == expected


def test_line_has_no_query_no_secret_and_no_sentence(
    client: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """No line has the query, the key's secret or a sentence of the transcript."""
    record_callback(engine, COMPLETED)
    client.get(f"{ROUTE}/{JOB}/Transcript?format=text&zQ9query=1", auth=KEY)
    client.get(f"{ROUTE}?conversationId=zQ9query", auth=KEY)
    everything = " ".join(str(vars(record)) for record in caplog.records)
    assert len(_lines(caplog)) == 2
    for text in ("zQ9query", KEY[1], "Jane", "sentences"):
        assert text not in everything


def test_long_value_is_cut(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A part of the path that is longer than any id is cut."""
    client.get(f"{ROUTE}/{'x' * 5000}", auth=KEY)
    [line] = _lines(caplog)
    assert line["job"] == "x" * 128


def test_submission_is_logged_once(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """A submission has one line, with the new job; a refused one has a line without a job."""
    with serve(simulated()) as twilio, open_app(environ | SETTINGS, twilio.url) as app:
        job = json_of(create(app.test_client(), BY_RECORDING))["transcription"]["id"]
        create(app.test_client(), {})
        create(app.test_client(), {}, auth=("reader", "reader-secret"))
    writer = {"key": "writer", "method": "POST", "route": ROUTE}
    assert _lines(caplog) == [
        {**writer, "job": job, "answered": 202},
        {**writer, "answered": 400},
        {**writer, "key": "reader", "answered": 403},
    ]


def test_request_without_a_valid_key_has_no_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that isn't authenticated doesn't write a line for each request."""
    client.get(ROUTE)
    client.get("/healthz")
    assert _lines(caplog) == []
